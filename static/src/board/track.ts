// One series of a widget over time: buckets from the storage, and behind them what came through the socket, put into
// buckets of the same length here. So a page that has been open for a month shows what one shows that was opened now,
// without asking again and again.
import { stepSeconds } from "../points";
import type { AnswerSeries, RawPoint } from "./model";

export interface Bucket { t: number; value: number; min: number; max: number; count: number } // t in seconds

// Longer buckets than this are not continued here: they hold more than the socket hands over from before.
const longest = 30;
const mostTail = 20_000;

export class Track {
  private stored: Bucket[];
  private readonly tail = new Map<string, { t: number; value: number }>(); // by time and value: the same twice is one fact
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
    for (const { t, value } of this.tail.values()) to.add(t * 1000, value);
  }

  add(at: number, value: number): void {
    if (at * 1000 >= this.series.latest.at) this.series.latest = { value, at: at * 1000 };
    if (!this.follows) return;
    this.tail.set(`${at} ${value}`, { t: at / 1000, value });
    if (this.tail.size > mostTail) this.tail.delete(this.tail.keys().next().value ?? "");
  }

  // all are the buckets from an instant on, in seconds.
  all(from: number): Bucket[] {
    const cut = this.since > 0 ? Math.ceil(this.since / 1000 / this.step) * this.step : Infinity;
    const last = this.stored.at(-1)?.t ?? 0;
    const fresh = new Map<number, Bucket>();
    for (const [key, { t, value }] of this.tail) {
      if (t < from - this.step) {
        this.tail.delete(key);
        continue;
      }
      const start = Math.floor(t / this.step) * this.step;
      if (start < cut && start <= last) continue; // the storage has it
      const one = fresh.get(start);
      if (one) merge(one, value);
      else fresh.set(start, { t: start, value, min: value, max: value, count: 1 });
    }
    const kept = this.stored.filter((b) => b.t >= from - this.step && !fresh.has(b.t));
    return [...kept, ...fresh.values()].sort((a, b) => a.t - b.t);
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
