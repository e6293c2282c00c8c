// The device list: states and ages follow what arrives. Rows never move under the reader's hand.
import { setTime } from "./freshness";
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
