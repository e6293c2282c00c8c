// The words at a chart's axes.
import type uPlot from "uplot";
import { grouped, text } from "./dom";
import { inZone, wallClock, zone } from "./zone";

const day = 86_400;
const dateRoom = 76; // pixels that "19 Nov" and the air around it take

const dayAndMonth = new Intl.DateTimeFormat("en-GB", { ...inZone, day: "numeric", month: "short" });
const month = new Intl.DateTimeFormat("en-GB", { ...inZone, month: "short" });

// room is how far apart in pixels the instants below a chart must lie to be read: the finer, the longer their words.
export function room(_: uPlot, __: number, min: number, max: number): number {
  const seconds = max - min;
  return seconds < 10 ? 96 : seconds < 600 ? 72 : 60;
}

// instants writes the time of day, and below the first one and each new day the date. Where both would collide, the
// new day counts. From a day's distance on it writes the date, and below it the year.
export function instants(plot: uPlot, splits: number[], _axis: number, _space: number, step: number): string[] {
  const below = splits.map((t) => (step >= day ? String(local(t).getFullYear()) : dayAndMonth.format(t * 1000)));
  const shown = below.map((word, i) => i === 0 || word !== below[i - 1]);
  const next = shown.indexOf(true, 1);
  if (next > 0 && Math.abs(plot.valToPos(splits[next] ?? 0, "x") - plot.valToPos(splits[0] ?? 0, "x")) < dateRoom) shown[0] = false;
  return splits.map((t, i) => (shown[i] ? `${instant(t, step)}\n${below[i]}` : instant(t, step)));
}

// local is a Date whose clock shows what clocks in the page's zone show then; uPlot lays its grid by it.
export function local(t: number): Date {
  const at = new Date(t * 1000);
  if (!zone) return at;
  const shown = new Date(wallClock(t * 1000));
  shown.setMilliseconds(at.getMilliseconds());
  return shown;
}

function instant(t: number, step: number): string {
  const at = local(t);
  if (step >= 28 * day) return month.format(t * 1000);
  if (step >= day) return dayAndMonth.format(t * 1000);
  const two = (n: number, digits = 2) => String(n).padStart(digits, "0");
  const minutes = `${two(at.getHours())}:${two(at.getMinutes())}`;
  if (step >= 60) return minutes;
  return step >= 1 ? `${minutes}:${two(at.getSeconds())}` : `${minutes}:${two(at.getSeconds())}.${two(at.getMilliseconds(), 3)}`;
}

// numbers writes values with as many digits as tell one line of the grid from the next.
export function numbers(_: uPlot, splits: (number | null)[], _axis: number, _space: number, step: number): string[] {
  let digits = 0;
  while (digits < 12 && Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) > 1e-6) digits++;
  return splits.map((value) => {
    if (value === null) return "";
    return Math.abs(value) >= 1e9 || (step < 1e-4 && value !== 0) ? text(value) : grouped(value.toFixed(digits));
  });
}
