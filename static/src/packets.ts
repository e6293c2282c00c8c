// The lists of a device's page that grow at the top: packets as they arrive, and rejected ones. Both are bounded, and
// neither moves what somebody is reading: packets can be paused.
import { fill, slot, stamp, text, toggle } from "./dom";
import { setTime } from "./freshness";
import { toMs, type Packet, type Rejected } from "./frames";

const mostPackets = 200;
const mostRejected = 50;

export interface PacketLog {
  add: (packets: Packet[]) => void;
  skip: (count: number) => void;
}

// packetLog runs #packets.
export function packetLog(): PacketLog {
  const list = document.getElementById("packets");
  const button = document.getElementById("packets-pause");
  const shown = new Set<string>();
  let paused = false;
  let waiting: Packet[] = [];
  let missed = 0; // came while paused, and could not be kept
  let skipped = 0; // the server could not send

  function show(packets: Packet[]): void {
    if (!list) return;
    const rows: HTMLElement[] = [];
    for (const packet of packets) {
      const key = `${packet.id} ${packet.at}`;
      if (shown.has(key)) continue;
      const row = line(packet);
      if (!row) return;
      row.dataset.key = key;
      shown.add(key);
      rows.unshift(row);
    }
    list.prepend(...rows);
    while (list.childElementCount > mostPackets && list.lastElementChild instanceof HTMLElement) {
      shown.delete(list.lastElementChild.dataset.key ?? "");
      list.lastElementChild.remove();
    }
    toggle("packets-empty", list.childElementCount === 0);
  }

  function count(): void {
    const place = document.getElementById("packets-skipped");
    if (!place) return;
    const parts: string[] = [];
    if (paused) parts.push(`Paused, ${waiting.length + missed} new`);
    if (skipped > 0) parts.push(`${skipped} not shown: they came faster than this page can take them`);
    place.textContent = parts.join(". ");
    place.hidden = parts.length === 0;
  }

  button?.addEventListener("click", () => {
    paused = !paused;
    button.setAttribute("aria-pressed", String(paused));
    button.textContent = paused ? "Continue" : "Pause";
    if (!paused) {
      show(waiting);
      waiting = [];
      missed = 0;
    }
    count();
  });

  return {
    add: (packets) => {
      if (!paused) return show(packets.slice(-mostPackets));
      waiting.push(...packets);
      missed += Math.max(0, waiting.length - mostPackets);
      waiting = waiting.slice(-mostPackets);
      count();
    },
    skip: (packets) => {
      skipped += packets;
      count();
    },
  };
}

function line(packet: Packet): HTMLElement | null {
  const row = stamp("packet-template");
  if (!row) return null;
  const time = slot(row, "age");
  if (time) setTime(time, toMs(packet.received));
  fill(row, "kind", packet.kind);
  fill(row, "lane", packet.lane);
  fill(row, "id", packet.id);
  fill(row, "values", packet.values.map(([name, value]) => `${name} ${typeof value === "string" ? JSON.stringify(value) : text(value)}`).join("  "));
  return row;
}

// rejectedLog runs #rejected. What the server rendered is replaced by the first snapshot, which has the same and more.
export function rejectedLog(): (rejected: Rejected[], all: boolean) => void {
  const list = document.getElementById("rejected");
  const shown = new Set<string>();
  return (rejected, all) => {
    if (!list) return;
    if (all) {
      shown.clear();
      list.replaceChildren();
    }
    for (const one of [...rejected].sort((a, b) => a.at - b.at)) {
      const key = `${one.at} ${one.index} ${one.code} ${one.pointer ?? ""}`;
      const row = shown.has(key) ? null : refusal(one);
      if (!row) continue;
      row.dataset.key = key;
      shown.add(key);
      list.prepend(row);
    }
    while (list.childElementCount > mostRejected && list.lastElementChild instanceof HTMLElement) {
      shown.delete(list.lastElementChild.dataset.key ?? "");
      list.lastElementChild.remove();
    }
    toggle("rejected-empty", list.childElementCount === 0);
    const counter = document.getElementById("rejected-count");
    if (counter) counter.textContent = list.childElementCount >= mostRejected ? `${mostRejected}+` : String(list.childElementCount);
  };
}

function refusal(one: Rejected): HTMLElement | null {
  const row = stamp("rejected-template");
  if (!row) return null;
  const time = slot(row, "age");
  if (time) setTime(time, toMs(one.at));
  fill(row, "code", one.code);
  fill(row, "detail", one.detail);
  fill(row, "pointer", one.pointer ?? "");
  fill(row, "raw", one.raw);
  return row;
}
