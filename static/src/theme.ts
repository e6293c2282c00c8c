// Sets the theme before the first paint; runs as a blocking script in the head. The choice is "auto", "light" or "dark".
const dark = matchMedia("(prefers-color-scheme: dark)");

function apply(): void {
  let choice = "auto";
  try {
    choice = localStorage.getItem("longwave-theme") ?? "auto";
  } catch {
    // storage is forbidden in this browser: follow the system
  }
  const root = document.documentElement;
  root.dataset.themeChoice = choice;
  const theme = choice === "dark" || (choice === "auto" && dark.matches) ? "dark" : "light";
  if (root.dataset.bsTheme !== theme) root.dataset.bsTheme = theme;
}

apply();
dark.addEventListener("change", apply);
addEventListener("storage", apply);
addEventListener("longwave:theme", apply);
