// The first page of a tenant: how many packets arrive, measured as they do.
import { subscribe } from "./live";

const span = 10_000; // the rate is the mean of this long, in ms: short enough to be now, long enough not to flicker

// startHome brings [data-page=home] to life.
export function startHome(): void {
  const rate = document.getElementById("rate");
  const note = document.getElementById("rate-note");
  if (!rate || !note) return;
  let since = 0; // when counting began; 0 while it has not
  let arrived: { at: number; packets: number }[] = [];
  subscribe({ topic: "rate" }, (frame) => {
    if (frame.snapshot) [since, arrived] = [Date.now(), []]; // what was missed in between is not known
    if (frame.arrived) arrived.push({ at: Date.now(), packets: frame.arrived });
  });
  setInterval(() => {
    const now = Date.now();
    arrived = arrived.filter((one) => one.at > now - span);
    const lost = document.documentElement.dataset.connection === "lost";
    if (lost) since = 0;
    const measured = Math.min(span, now - since);
    if (since === 0 || measured < span / 2) {
      rate.textContent = "–";
      note.textContent = lost ? "not known while the page is disconnected" : "measuring…";
      return;
    }
    const packets = arrived.reduce((sum, one) => sum + one.packets, 0);
    rate.textContent = words((packets * 1000) / measured);
    note.textContent = "mean of the last 10 s";
  }, 1000);
}

function words(perSecond: number): string {
  const digits = perSecond > 0 && perSecond < 10 ? 1 : 0;
  return perSecond.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
