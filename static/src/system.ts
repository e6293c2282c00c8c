// The system page asks the server again every few seconds; when there is no answer it says so instead of looking fresh.
import { toggle } from "./dom";

export function systemPage(): void {
  if (!document.getElementById("system")) return;
  for (const failed of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
    document.body.addEventListener(failed, () => toggle("system-lost", true));
  }
  document.body.addEventListener("htmx:afterSwap", () => toggle("system-lost", false));
}
