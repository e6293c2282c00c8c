// Packets as they arrive, newest first. The list is bounded and does not move what somebody is reading: it can be paused.
import { fill, slot, stamp, toggle, verbatim } from "./dom";
import { setTime } from "./freshness";
import { toMs, type Packet } from "./frames";

const mostPackets = 200;

export interface PacketLog {
  add: (packets: Packet[]) => void;
  skip: (count: number) => void;
}

// packetLog runs #packets.
export function packetLog(): PacketLog {
  const list = document.getElementById("packets");
  const button = document.getElementById("packets-pause");
  const filter = document.getElementById("packets-filter") as HTMLInputElement | null;
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
      row.hidden = !wanted(row);
      shown.add(key);
      rows.unshift(row);
    }
    list.prepend(...rows);
    while (list.childElementCount > mostPackets && list.lastElementChild instanceof HTMLElement) {
      shown.delete(list.lastElementChild.dataset.key ?? "");
      list.lastElementChild.remove();
    }
    toggle("packets-empty", list.childElementCount === 0);
    count();
  }

  // wanted is whether a row has the text that somebody looks for.
  function wanted(row: HTMLElement): boolean {
    const text = filter?.value.trim().toLowerCase() ?? "";
    return text === "" || (row.textContent ?? "").toLowerCase().includes(text);
  }

  filter?.addEventListener("input", () => {
    for (const row of list?.children ?? []) if (row instanceof HTMLElement) row.hidden = !wanted(row);
    count();
  });

  function count(): void {
    const place = document.getElementById("packets-skipped");
    if (!place) return;
    const parts: string[] = [];
    if (filter?.value.trim() && list) {
      parts.push(`${[...list.children].filter((row) => !(row as HTMLElement).hidden).length} of ${list.childElementCount} packets match`);
    }
    if (paused) parts.push(`Paused, ${waiting.length + missed} new`);
    if (skipped > 0) parts.push(`${skipped} not shown: they came faster than this page can take them`);
    const said = parts.join(". ");
    if (place.textContent !== said) place.textContent = said;
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
  fill(row, "values", packet.values.map(([name, value]) => `${name} ${verbatim(value)}`).join("  "));
  return row;
}
