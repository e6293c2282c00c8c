// The points of one series: read from the server, kept in order, cut where the device was silent.
import { request } from "./request";

export interface Point {
  t: number; // seconds since 1970, as the chart wants it
  value: number;
  min: number;
  max: number;
}

export interface History {
  step: string; // "raw" or the length of a bucket: "10s", "1m", "6h", "1d"
  points: Point[];
}

// readHistory asks for one metric over [from, to), in ms since 1970. It fails when the server cannot answer.
export async function readHistory(base: string, query: Record<string, string>, signal?: AbortSignal): Promise<History> {
  const answer = await request(`${base}?${new URLSearchParams(query)}`, { headers: { Accept: "application/json" } }, signal);
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const body = (await answer.json()) as { step: string; points: [number, number, number?, number?, number?][] };
  const points = body.points.map(([at, value, min = value, max = value]) => ({ t: at / 1e6, value, min, max }));
  return { step: body.step, points };
}

// insert puts a reading in its place by device time. A reading that is there already changes nothing: it is a fact.
export function insert(points: Point[], t: number, value: number): boolean {
  let place = points.length;
  while (place > 0 && (points[place - 1]?.t ?? 0) > t) place--;
  for (let same = place - 1; same >= 0 && points[same]?.t === t; same--) {
    if (points[same]?.value === value) return false;
  }
  points.splice(place, 0, { t, value, min: value, max: value });
  return true;
}

// stepSeconds is the length of a bucket, 0 for raw.
export function stepSeconds(step: string): number {
  const match = /^(\d+)(ms|s|m|h|d)$/.exec(step);
  if (!match) return 0;
  const units: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };
  return Number(match[1]) * (units[match[2] ?? ""] ?? 0);
}

// stepWords is a length as a person says it: "5 min".
export function stepWords(step: string): string {
  const match = /^(\d+)(ms|s|m|h|d)$/.exec(step);
  if (!match) return step;
  const [, count, unit = ""] = match;
  return `${count} ${unit === "m" ? "min" : unit === "d" ? (count === "1" ? "day" : "days") : unit}`;
}

// spacing is the usual distance of the points in seconds, 0 when there are too few to tell.
export function spacing(points: Point[]): number {
  if (points.length < 3) return 0;
  const newest = points.slice(-200);
  const distances = newest.slice(1).map((point, i) => point.t - (newest[i]?.t ?? 0)).filter((d) => d > 0).sort((a, b) => a - b);
  return distances[distances.length >> 1] ?? 0;
}

// silence is the distance of two points in seconds from which on the device was silent between them: three expected
// intervals, and with buckets their length besides, for a bucket says nothing about where in it the readings lie.
export function silence(points: Point[], interval: number, step: string): number {
  const bucket = stepSeconds(step);
  return interval > 0 ? 3 * interval + bucket : 3 * Math.max(spacing(points), bucket);
}

export type Columns = [t: number[], value: (number | null)[], min: (number | null)[], max: (number | null)[]];

// columns is what the chart draws: the line is broken where more than gap seconds lie between two points.
export function columns(points: Point[], gap: number, band: boolean): Columns {
  const out: Columns = [[], [], [], []];
  let before: number | undefined;
  for (const p of points) {
    if (before !== undefined && gap > 0 && p.t - before > gap) {
      out[0].push((before + p.t) / 2);
      for (const column of [out[1], out[2], out[3]]) column.push(null);
    }
    out[0].push(p.t);
    out[1].push(p.value);
    out[2].push(band ? p.min : null);
    out[3].push(band ? p.max : null);
    before = p.t;
  }
  return out;
}
