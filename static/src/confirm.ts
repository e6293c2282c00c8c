// Forms that destroy something: [data-confirm-text] holds what must be typed before the submit button works, and
// dialogs are opened by [data-open="#id"]. Without script both still work: the server checks the text again.

export function confirmations(): void {
  for (const input of document.querySelectorAll<HTMLInputElement>("input[data-confirm-text]")) {
    const submit = input.form?.querySelector<HTMLButtonElement>("button[type=submit]");
    const check = () => {
      if (submit) submit.disabled = input.value.trim() !== input.dataset.confirmText;
    };
    input.addEventListener("input", check);
    check();
  }
  document.addEventListener("click", (event) => {
    const target = event.target as Element;
    const opener = target.closest<HTMLElement>("[data-open]");
    const dialog = opener && document.querySelector<HTMLDialogElement>(opener.dataset.open ?? "");
    if (dialog) {
      event.preventDefault();
      dialog.showModal();
    }
    target.closest<HTMLElement>("[data-close]")?.closest("dialog")?.close();
  });
}
