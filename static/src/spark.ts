// Sparklines: the last hour of a metric as a line without axes, beside its newest value.
import { serverNow } from "./freshness";
import { columns, insert, readHistory, silence, type Point } from "./points";

const hour = 3_600_000;
const width = 120;
const height = 32;
const wanted = 120;
const again = 20_000; // at the earliest, in ms
const namespace = "http://www.w3.org/2000/svg";

export interface Spark {
  add: (t: number, value: number) => void;
  draw: () => void; // at most once a second
}

// spark reads the past once it can be seen and then goes on by itself.
export function spark(host: HTMLElement, metric: string, base: string): Spark {
  let points: Point[] = [];
  let step = "raw";
  let fresh = true;
  let asked = 0; // when, in ms
  const observer = new IntersectionObserver((entries) => {
    if (!entries.at(-1)?.isIntersecting) return;
    observer.disconnect();
    void load();
  });
  observer.observe(host);

  async function load(): Promise<void> {
    asked = Date.now();
    const now = serverNow();
    const query = { metric, from: String(Math.floor(now - hour)), to: String(Math.ceil(now + 60_000)), points: String(wanted) };
    try {
      const history = await readHistory(base, query);
      const last = history.points.at(-1)?.t ?? 0;
      const newer = points.filter((p) => p.t > last); // the others lie in the buckets already
      step = history.step;
      points = [...history.points, ...newer];
      fresh = true;
    } catch {
      // Without its past the line begins now. The chart below says that the history cannot be read.
    }
    draw();
  }

  function draw(): void {
    if (!fresh) return;
    fresh = false;
    const from = (serverNow() - hour) / 1000;
    points = points.filter((p) => p.t >= from && p.t <= from + hour / 1000 + 5);
    if (points.length > 4 * wanted && asked > 0 && Date.now() - asked > again) void load(); // more than can be seen: let the server choose
    points = points.slice(-40 * wanted); // should it not answer
    const path = line(points, from, silence(points, 0, step));
    let svg = host.querySelector("svg");
    if (!svg) {
      svg = document.createElementNS(namespace, "svg");
      for (const [name, value] of Object.entries({ class: "spark", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" })) {
        svg.setAttribute(name, value);
      }
      host.replaceChildren(svg);
    }
    svg.replaceChildren(...path.map((points) => {
      const part = document.createElementNS(namespace, "polyline");
      part.setAttribute("points", points);
      return part;
    }));
  }

  return {
    add: (t, value) => {
      fresh = insert(points, t, value) || fresh;
    },
    draw,
  };
}

// line is the coordinates of each unbroken part.
function line(points: Point[], from: number, gap: number): string[] {
  const [times, values] = columns(points, gap, false);
  const known = points.map((p) => p.value);
  const low = known.reduce((a, b) => Math.min(a, b), Infinity);
  const span = known.reduce((a, b) => Math.max(a, b), -Infinity) - low;
  const parts: string[][] = [[]];
  times.forEach((t, i) => {
    const value = values[i];
    if (value == null) return void parts.push([]);
    const x = ((t - from) / 3600) * width;
    const y = span > 0 ? height - 2 - ((value - low) / span) * (height - 4) : height / 2;
    parts.at(-1)?.push(`${x.toFixed(1)},${y.toFixed(1)}`);
  });
  return parts.filter((part) => part.length > 0).map((part) => part.join(" "));
}
