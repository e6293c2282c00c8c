// The device list: states and ages follow what arrives. Rows never move under the reader's hand.
import { setTime } from "./freshness";
import { onDirectory } from "./directory";
import { make } from "./board/dom";
import { toMs, type Sighting } from "./frames";
import { subscribe } from "./live";

let end: (() => void) | undefined;
let watched = "";

// startDeviceList may be called again whenever rows were swapped in.
export function startDeviceList(): void {
  const rows = document.querySelectorAll<HTMLElement>("#devices [data-device]");
  const devices = [...rows].map((row) => row.dataset.device ?? "").filter((device) => device !== "");
  const key = devices.join();
  if (key === watched) return;
  end?.();
  end = undefined;
  watched = key;
  if (devices.length === 0) return;
  end = subscribe({ topic: "devices", devices }, (frame) => {
    for (const sighting of frame.devices ?? frame.snapshot?.devices ?? []) show(sighting);
  });
}

function show(sighting: Sighting): void {
  const row = document.querySelector<HTMLElement>(`#devices [data-device="${CSS.escape(sighting.device)}"]`);
  const time = row?.querySelector<HTMLElement>('[data-slot="age"]');
  if (row && time) setTime(time, toMs(sighting.seen), Number(row.dataset.interval) || sighting.interval);
}

// watchDeviceList says when the list would be another one now: rows never move under the reader's hand.
export function watchDeviceList(): void {
  if (document.querySelector("[data-page=devices]")) onDirectory(() => void compare());
}

async function compare(): Promise<void> {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => undefined);
  if (!answer?.ok) return;
  const now = ids(new DOMParser().parseFromString(await answer.text(), "text/html"));
  const here = ids(document);
  const added = [...now].filter((id) => !here.has(id)).length;
  const gone = [...here].filter((id) => !now.has(id));
  for (const row of document.querySelectorAll<HTMLElement>("#devices [data-device]")) row.toggleAttribute("data-gone", gone.includes(row.dataset.device ?? ""));
  tell([added > 0 ? `${added} more ${added === 1 ? "device matches" : "devices match"}` : "", gone.length > 0 ? `${gone.length} ${gone.length === 1 ? "is" : "are"} not here any more` : ""].filter((part) => part !== "").join(", "));
}

function ids(root: ParentNode): Set<string> {
  return new Set([...root.querySelectorAll<HTMLElement>("#devices [data-device]")].map((row) => row.dataset.device ?? ""));
}

function tell(words: string): void {
  document.getElementById("list-changed")?.remove();
  if (words === "") return;
  const note = make("p", "note");
  note.id = "list-changed";
  note.setAttribute("role", "status");
  const link = make("a", "", "Show");
  link.href = location.href;
  note.append(`${words}. `, link);
  (document.getElementById("results") ?? document.querySelector(".empty-state"))?.before(note);
}
