// Rejected packets as a work list: one row per cause, with how many, since when, and a few samples. The server renders
// what is kept; what arrives later is added to it.
import { fill, slot, stamp, toggle } from "./dom";
import { setTime } from "./freshness";
import { toMs, type Rejected } from "./frames";

const mostCauses = 100;
const mostSamples = 3;

// rejectedLog runs #rejected. A snapshot repeats what is on the page already: only what is newer counts.
export function rejectedLog(): (rejected: Rejected[]) => void {
  const list = document.getElementById("rejected");
  let newest = Number(list?.dataset.newest ?? 0); // µs
  let atNewest = new Set<string>();

  function take(one: Rejected): boolean {
    const key = `${one.index} ${one.code} ${one.pointer ?? ""}`;
    if (one.at < newest || (one.at === newest && (atNewest.size === 0 || atNewest.has(key)))) return false;
    if (one.at > newest) atNewest = new Set();
    newest = one.at;
    atNewest.add(key);
    return true;
  }

  return (rejected) => {
    if (!list) return;
    for (const one of [...rejected].sort((a, b) => a.at - b.at)) if (take(one)) add(list, one);
    toggle("rejected-empty", list.childElementCount === 0);
    const counter = document.getElementById("rejected-count");
    if (counter) counter.textContent = String([...list.querySelectorAll("[data-slot=count]")].reduce((sum, place) => sum + Number(place.textContent), 0));
  };
}

// causeOf leaves out where in its request a packet stood: the same mistake is the same cause.
function causeOf(one: Rejected): string {
  return `${one.code} ${(one.pointer ?? "").replace(/^\/\d+(?=\/)/, "")}`;
}

function add(list: HTMLElement, one: Rejected): void {
  const cause = causeOf(one);
  let row = list.querySelector<HTMLElement>(`[data-cause="${CSS.escape(cause)}"]`);
  if (!row) {
    row = stamp("rejected-template");
    if (!row) return;
    row.dataset.cause = cause;
    fill(row, "count", "0");
    fill(row, "code", one.code);
    const first = slot(row, "first");
    if (first) setTime(first, toMs(one.at));
  }
  fill(row, "count", String(Number(slot(row, "count")?.textContent ?? 0) + 1));
  fill(row, "detail", one.detail);
  fill(row, "pointer", one.pointer ?? "");
  const last = slot(row, "last");
  if (last) setTime(last, toMs(one.at));
  const samples = slot(row, "samples");
  const sample = document.createElement("li");
  sample.textContent = one.raw;
  samples?.prepend(sample);
  while ((samples?.childElementCount ?? 0) > mostSamples) samples?.lastElementChild?.remove();
  list.prepend(row); // the newest cause first
  while (list.childElementCount > mostCauses) list.lastElementChild?.remove();
}
