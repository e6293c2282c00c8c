// The open alerts above every page of a wall: the worst in large letters, severity as a shape, a word and a colour.
import { age, make } from "../board/dom";
import type { OpenAlerts, ScreenAlert } from "../frames";
import { toMs } from "../frames";

const lines = 3;

export function showAlerts(now: OpenAlerts): void {
  const place = document.getElementById("wall-alerts");
  if (!place) return;
  place.hidden = now.open === 0;
  place.dataset.severity = now.worst;
  const list = now.list ?? [];
  place.replaceChildren(...list.slice(0, lines).map(line));
  const more = now.open - Math.min(lines, list.length);
  if (more > 0) place.append(make("p", "wall-more", `and ${more} more`));
}

function line(one: ScreenAlert): HTMLElement {
  const row = make("p", "wall-alert");
  row.dataset.severity = one.severity;
  const words = make("span", "wall-alert-what", `${one.rule} on ${one.device}`);
  const when = make("span", "wall-alert-age");
  when.append("fired ", age(toMs(one.began), 0));
  if (one.taken) when.append(", acknowledged");
  row.append(make("strong", "wall-severity", one.severity.charAt(0).toUpperCase() + one.severity.slice(1)), words, when);
  return row;
}
