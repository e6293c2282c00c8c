// Names of values while an expression is written: those that begin with what was typed are offered, and put in its place
// by a click, or by Tab for the first one.

// startRuleNames wires the buttons below the expression; it does nothing on a page without them.
export function startRuleNames(): void {
  const area = document.getElementById("when");
  const names = document.getElementById("names");
  if (!(area instanceof HTMLTextAreaElement) || !names || names.dataset.wired) return;
  names.dataset.wired = "true";
  const buttons = [...names.querySelectorAll<HTMLButtonElement>("button[data-name]")];
  const narrow = () => {
    const typed = wordBefore(area).toLowerCase();
    for (const button of buttons) button.hidden = typed !== "" && !button.textContent.toLowerCase().startsWith(typed);
    if (buttons.every((button) => button.hidden)) for (const button of buttons) button.hidden = false;
  };
  area.addEventListener("input", narrow);
  area.addEventListener("keydown", (event) => {
    const typed = wordBefore(area);
    const first = buttons.find((button) => !button.hidden && button.textContent !== typed);
    if (event.key !== "Tab" || event.shiftKey || typed === "" || !first?.textContent.toLowerCase().startsWith(typed.toLowerCase())) return;
    event.preventDefault();
    put(area, first.dataset.name ?? "");
  });
  names.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLButtonElement>("button[data-name]");
    if (button) put(area, button.dataset.name ?? "");
  });
}

// wordBefore is what of a name stands before the cursor.
function wordBefore(area: HTMLTextAreaElement): string {
  return /[\p{L}_][\p{L}\p{N}_.]*$/u.exec(area.value.slice(0, area.selectionStart))?.[0] ?? "";
}

// put writes a name in place of the word before the cursor.
function put(area: HTMLTextAreaElement, name: string): void {
  const end = area.selectionStart;
  area.setRangeText(name, end - wordBefore(area).length, end, "end");
  area.focus();
  area.dispatchEvent(new Event("input", { bubbles: true }));
}
