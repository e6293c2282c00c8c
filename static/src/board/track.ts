// One series of a widget over time: buckets from the storage, and behind them what came through the socket, put into
// buckets of the same length here. So a page that has been open for a month shows what one shows that was opened now,
// without asking again and again.
import { stepSeconds } from "../points";
import type { AnswerSeries, RawPoint } from "./model";

export interface Bucket { t: number; value: number; min: number; max: number; count: number } // t in seconds

// Fresh is a bucket of single values, made as they come: a chart is drawn ten times a second, and none of them is looked at
// again for that. The same time and value twice is one fact.
interface Fresh extends Bucket { facts: Map<string, [number, number]> }

// Longer buckets than this are not continued here: they hold more than the socket hands over from before.
const longest = 30;
const mostTail = 20_000;

export class Track {
  private stored: Bucket[];
  private readonly fresh = new Map<number, Fresh>(); // by the beginning of the bucket
  private size = 0; // facts in all of them
  private readonly step: number;

  constructor(readonly series: AnswerSeries, step: string, private since: number) {
    this.step = Math.max(stepSeconds(step), 0.001);
    this.stored = buckets(series.points ?? []);
  }

  // follows says whether single values continue the line, or only a new question to the server does.
  get follows(): boolean {
    return this.step <= longest;
  }

  // from is told from when on, in ms, the single values are complete.
  from(since: number): void {
    this.since = since;
  }

  // hand gives what came through the socket to the track that takes this one's place.
  hand(to: Track): void {
    for (const { facts } of this.fresh.values()) for (const [at, value] of facts.values()) to.add(at, value);
  }

  add(at: number, value: number): void {
    if (at * 1000 >= this.series.latest.at) this.series.latest = { value, at: at * 1000 };
    if (!this.follows) return;
    const start = Math.floor(at / 1000 / this.step) * this.step;
    const one = this.fresh.get(start) ?? { t: start, value, min: value, max: value, count: 0, facts: new Map<string, [number, number]>() };
    const fact = `${at} ${value}`;
    if (one.facts.has(fact)) return;
    one.facts.set(fact, [at, value]);
    merge(one, value);
    this.fresh.set(start, one);
    if (++this.size > mostTail) this.forget(this.fresh.keys().next().value ?? start);
  }

  private forget(start: number): void {
    this.size -= this.fresh.get(start)?.facts.size ?? 0;
    this.fresh.delete(start);
  }

  // all are the buckets from an instant on, in seconds.
  all(from: number): Bucket[] {
    const cut = this.since > 0 ? Math.ceil(this.since / 1000 / this.step) * this.step : Infinity;
    const last = this.stored.at(-1)?.t ?? 0;
    const stored = (start: number) => start < cut && start <= last; // then the storage has all of it
    const fresh: Bucket[] = [];
    for (const [start, one] of this.fresh) {
      if (start < from - this.step) this.forget(start);
      else if (!stored(start)) fresh.push(one);
    }
    const kept = this.stored.filter((b) => b.t >= from - this.step && (stored(b.t) || !this.fresh.has(b.t)));
    return [...kept, ...fresh].sort((a, b) => a.t - b.t);
  }

  // gap is the distance in seconds from which on nothing was sent in between.
  gap(points: Bucket[]): number {
    const interval = this.series.interval ?? 0;
    if (interval > 0) return 3 * interval + this.step;
    const distances = points.slice(1).map((p, i) => p.t - (points[i]?.t ?? 0)).sort((a, b) => a - b);
    return 3 * Math.max(distances[distances.length >> 1] ?? 0, this.step);
  }
}

function merge(into: Bucket, value: number): void {
  into.value = (into.value * into.count + value) / ++into.count;
  into.min = Math.min(into.min, value);
  into.max = Math.max(into.max, value);
}

export function buckets(points: RawPoint[]): Bucket[] {
  return points.map(([at, value, min, max, count]) => ({ t: at / 1e6, value, min, max, count }));
}
