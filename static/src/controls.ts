// Small controls that a page may contain any number of times.

// themeSwitch wires the buttons [data-theme-choice] and shows which one is pressed.
export function themeSwitch(): void {
  const buttons = document.querySelectorAll<HTMLButtonElement>("button[data-theme-choice]");
  const show = () => {
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === document.documentElement.dataset.themeChoice));
    }
  };
  for (const button of buttons) {
    button.addEventListener("click", () => {
      try {
        localStorage.setItem("longwave-theme", button.dataset.themeChoice ?? "auto");
      } catch {
        return; // nowhere to remember it: leave the page as it is
      }
      dispatchEvent(new Event("longwave:theme"));
      show();
    });
  }
  show();
}

// menus closes an open menu when the person turns to anything else.
export function menus(): void {
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeMenus(null);
  });
  document.addEventListener("click", (event) => closeMenus(event.target as Node));
}

function closeMenus(target: Node | null): void {
  for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")) {
    if (target && menu.contains(target)) continue;
    const hadFocus = menu.contains(document.activeElement);
    menu.open = false;
    if (hadFocus && !target) menu.querySelector("summary")?.focus();
  }
}

// copyButtons wires [data-copy="id"]: the text of that element goes to the clipboard and the button says so for a moment.
export function copyButtons(): void {
  document.addEventListener("click", async (event) => {
    const button = (event.target as Element).closest<HTMLButtonElement>("button[data-copy]");
    const source = button && document.getElementById(button.dataset.copy ?? "");
    if (!button || !source) return;
    const word = button.querySelector("[data-copy-word]") ?? button;
    const before = button.dataset.word ?? word.textContent ?? "Copy";
    button.dataset.word = before;
    word.textContent = (await copied(source)) ? "Copied" : "Press Ctrl+C";
    setTimeout(() => (word.textContent = before), 2000);
  });
}

// copied falls back to selecting the text: the clipboard is not offered on plain HTTP away from this machine.
async function copied(source: Element): Promise<boolean> {
  try {
    await navigator.clipboard.writeText((source.textContent ?? "").trim());
    return true;
  } catch {
    getSelection()?.selectAllChildren(source);
    return false;
  }
}

// passwordToggles wires [data-reveal="id of the input"].
export function passwordToggles(): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-reveal]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const input = document.getElementById(button.dataset.reveal ?? "") as HTMLInputElement | null;
      if (!input) return;
      const hidden = input.type === "password";
      input.type = hidden ? "text" : "password";
      button.textContent = hidden ? "Hide" : "Show";
      button.setAttribute("aria-pressed", String(hidden));
    });
  }
}

// tabs makes [role=tablist] behave: arrow keys, one panel visible, the choice kept in the URL's fragment.
export function tabs(): void {
  for (const list of document.querySelectorAll<HTMLElement>("[role=tablist]")) {
    const all = [...list.querySelectorAll<HTMLButtonElement>("[role=tab]")];
    const choose = (tab: HTMLButtonElement, focus: boolean) => {
      for (const other of all) {
        const on = other === tab;
        other.setAttribute("aria-selected", String(on));
        other.tabIndex = on ? 0 : -1;
        document.getElementById(other.getAttribute("aria-controls") ?? "")?.toggleAttribute("hidden", !on);
      }
      history.replaceState(null, "", "#" + tab.id);
      if (focus) tab.focus();
    };
    all.forEach((tab, index) => {
      tab.addEventListener("click", () => choose(tab, false));
      tab.addEventListener("keydown", (event) => {
        const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
        const next = all[(index + step + all.length) % all.length];
        if (step !== 0 && next) choose(next, true);
      });
    });
    const wanted = all.find((tab) => "#" + tab.id === location.hash);
    if (wanted) choose(wanted, false);
  }
}
