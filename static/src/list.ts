// Lists with a keyboard: / searches, j and k move, x selects, Enter opens. Rows are [data-row] inside [data-list]; the
// row's first link is where Enter goes. Everything is looked up again at each key, because rows come and go.

export function lists(): void {
  document.addEventListener("keydown", onKey);
  document.addEventListener("change", (event) => {
    const box = event.target as HTMLInputElement;
    if (box.matches("[data-select-all]")) {
      for (const other of boxes()) other.checked = box.checked;
    }
    if (box.matches("[data-select], [data-select-all]")) showSelection();
  });
  document.addEventListener("htmx:afterSettle", showSelection);
  showSelection();
}

function boxes(): HTMLInputElement[] {
  return [...document.querySelectorAll<HTMLInputElement>("input[data-select]")];
}

// showSelection brings the bulk bar up to date; its buttons work only while something is selected.
function showSelection(): void {
  const bar = document.querySelector<HTMLElement>("[data-bulk]");
  if (!bar) return;
  const all = boxes();
  const chosen = all.filter((box) => box.checked).length;
  bar.dataset.chosen = String(chosen);
  const word = bar.querySelector("[data-bulk-count]");
  if (word) word.textContent = chosen === 0 ? "Nothing selected" : `${chosen} selected`;
  for (const button of bar.querySelectorAll<HTMLButtonElement>("button")) button.disabled = chosen === 0;
  const every = document.querySelector<HTMLInputElement>("input[data-select-all]");
  if (every) {
    every.checked = chosen > 0 && chosen === all.length;
    every.indeterminate = chosen > 0 && chosen < all.length;
  }
}

function onKey(event: KeyboardEvent): void {
  const target = event.target as HTMLElement;
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const search = document.querySelector<HTMLInputElement>("input[data-search]");
  if (target.matches("input:not([type=checkbox]), select, textarea")) {
    if (event.key === "Escape" && target === search) {
      event.preventDefault(); // or the browser empties the field
      search.blur();
    }
    return;
  }
  if (event.key === "/" && search) {
    event.preventDefault();
    search.focus();
    search.select();
    return;
  }
  const rows = [...document.querySelectorAll<HTMLElement>("[data-list] [data-row]")];
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  if (event.key === "j" || event.key === "k") {
    const next = rows[Math.min(rows.length - 1, Math.max(0, at + (event.key === "j" ? 1 : -1)))];
    next?.querySelector<HTMLElement>("a")?.focus();
    next?.scrollIntoView({ block: "nearest" });
  } else if (event.key === "x" && at >= 0) {
    rows[at]?.querySelector<HTMLInputElement>("input[data-select]")?.click();
  }
}
