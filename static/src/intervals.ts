// When alerts fired, drawn behind the lines of a chart: a tint, a bar above it, and words as far as there is room. The same
// words are said for the point under the cursor, since a colour is not seen by everybody.
import type uPlot from "uplot";
import { colour } from "./chart";

// Interval is one alert; times in microseconds, to is 0 or missing while it fires. Without metrics it is about every line.
export interface Interval {
  from: number;
  to?: number;
  severity: string;
  name: string;
  metrics?: string[];
}

const tones: Record<string, [name: string, otherwise: string, shape: string]> = {
  critical: ["--lw-silent", "#b3261e", "■"], warning: ["--lw-late", "#8f5600", "▲"], info: ["--lw-accent", "#1d5fc4", "◆"],
};

function tint(severity: string): string {
  const [tone, otherwise] = tones[severity] ?? ["--lw-muted", "#566173"];
  return colour(tone, otherwise);
}

// about are the intervals that concern a metric.
export function about(list: Interval[], metric: string): Interval[] {
  return list.filter((one) => !one.metrics?.length || one.metrics.includes(metric));
}

// named is what an interval is called: its severity as a word, and the rule.
export function named(one: Interval): string {
  return `${one.severity.charAt(0).toUpperCase()}${one.severity.slice(1)}: ${one.name}`;
}

// under says what fired at an instant in seconds; empty when nothing did.
export function under(list: Interval[], at: number): string {
  return [...new Set(list.filter((one) => one.from <= at * 1e6 && (!one.to || one.to > at * 1e6)).map(named))].join(", ");
}

const order = ["critical", "warning", "info"]; // whose words get the room

// shade draws them, the worst last: it lies above the others, and its words come first.
export function shade(plot: uPlot, list: Interval[]): void {
  const { ctx, bbox } = plot;
  const right = bbox.left + bbox.width;
  const x = (micros: number) => Math.min(right, Math.max(bbox.left, plot.valToPos(micros / 1e6, "x", true)));
  ctx.save();
  ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textAlign = "left";
  ctx.textBaseline = "top";
  const taken: [from: number, to: number][] = [];
  const room = (from: number, width: number) => from >= bbox.left && !taken.some(([left, end]) => from < end && from + width > left);
  const rank = (one: Interval) => order.indexOf(one.severity);
  for (const one of [...list].sort((a, b) => rank(b) - rank(a) || a.from - b.from)) {
    const [from, to] = [x(one.from), one.to ? x(one.to) : right];
    if (to <= bbox.left || from >= right) continue;
    const paint = tint(one.severity);
    ctx.fillStyle = `${paint}24`;
    ctx.fillRect(from, bbox.top, Math.max(1, to - from), bbox.height);
    ctx.fillStyle = paint;
    ctx.fillRect(from, bbox.top, Math.max(1, to - from), 3 * devicePixelRatio);
  }
  for (const one of [...list].sort((a, b) => rank(a) - rank(b) || a.from - b.from)) {
    const [from, to] = [x(one.from), one.to ? x(one.to) : right];
    if (to <= bbox.left || from >= right) continue;
    const words = `${tones[one.severity]?.[2] ?? "●"} ${named(one)}`;
    const gap = 4 * devicePixelRatio;
    const width = ctx.measureText(words).width + 2 * gap;
    const place = Math.min(from, right - width);
    if (!room(place, width)) continue;
    taken.push([place, place + width]);
    ctx.fillStyle = tint(one.severity);
    ctx.fillText(words, place + gap, bbox.top + 2 * gap);
  }
  ctx.restore();
}

// Moment is when something changed its state; at in microseconds.
export interface Moment { at: number; text: string }

// mark draws when states changed: a dotted line each, and the new state at its foot as far as there is room.
export function mark(plot: uPlot, list: Moment[]): void {
  const { ctx, bbox } = plot;
  const paint = colour("--lw-muted", "#566173");
  const bottom = bbox.top + bbox.height;
  const gap = 3 * devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = paint;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([gap, gap]);
  ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textAlign = "left";
  ctx.textBaseline = "bottom";
  let written = bbox.left;
  for (const one of [...list].sort((a, b) => a.at - b.at)) {
    const x = plot.valToPos(one.at / 1e6, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bottom);
    ctx.stroke();
    const width = ctx.measureText(one.text).width + 2 * gap;
    if (x < written || x + width > bbox.left + bbox.width) continue;
    ctx.fillText(one.text, x + gap, bottom - gap);
    written = x + width;
  }
  ctx.restore();
}
