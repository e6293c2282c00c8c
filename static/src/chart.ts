// One line chart: uPlot, dressed in the page's colours and moved by mouse, finger or arrow keys.
import uPlot from "uplot";
import { instants, local, numbers, room as spaceOf } from "./axes";
import { shade } from "./intervals";
import type { Marks } from "./metricchart";
import type { Columns } from "./points";

export interface ChartOptions {
  host: HTMLElement;
  label: string;
  colour: number; // which of the palette's eight, from 1
  stepped: boolean; // a metric that is only true or false
  marks: () => Marks | undefined;
  zoom: (fromMs: number, toMs: number) => void;
  reset: () => void;
  read: (index: number | null) => string; // what the point under the cursor says; called as the cursor moves
}

export interface Chart {
  show: (data: Columns, from: number, to: number) => void; // seconds since 1970
  destroy: () => void;
}

// All charts of a page share their cursor.
export const together = "page";

export const fallback = ["#1d5fc4", "#7a3fb8", "#0d7f94", "#8a5a2b", "#b83280", "#52606f", "#4d7c0f", "#3f51b5"];
const colours = new Map<string, string>();

// colour reads a variable of the style sheet. Reading is slow enough to be remembered until the theme changes.
export function colour(name: string, otherwise: string): string {
  let value = colours.get(name);
  if (value === undefined) {
    value = getComputedStyle(document.documentElement).getPropertyValue(name).trim() || otherwise;
    colours.set(name, value);
  }
  return value;
}

const drawn = new Set<uPlot>();

// follow repaints a chart when the theme changes, and fits it to its place; the result ends that.
export function follow(plot: uPlot, host: HTMLElement): () => void {
  drawn.add(plot);
  const size = new ResizeObserver(() => plot.setSize(room(host)));
  size.observe(host);
  return () => {
    size.disconnect();
    drawn.delete(plot);
  };
}

function repaint(): void {
  colours.clear();
  for (const plot of drawn) plot.redraw(true, true);
}

new MutationObserver(repaint).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });

// colourOf gives a metric the same colour on every page.
export function colourOf(metric: string): number {
  let hash = 0;
  for (let i = 0; i < metric.length; i++) hash = (hash * 31 + metric.charCodeAt(i)) >>> 0;
  return (hash % 8) + 1;
}

// makeChart draws into the host and follows its size.
export function makeChart(o: ChartOptions): Chart {
  const plot = new uPlot(options(o), [[], [], [], []], o.host);
  const leave = follow(plot, o.host);
  keys(plot, o);
  return {
    show: (data, from, to) =>
      plot.batch(() => {
        plot.setData(data, false);
        plot.setScale("x", { min: from, max: to });
      }),
    destroy: () => {
      leave();
      plot.destroy();
    },
  };
}

export function room(host: HTMLElement): { width: number; height: number } {
  return { width: Math.max(200, host.clientWidth), height: Math.max(120, host.clientHeight) };
}

function options(o: ChartOptions): uPlot.Options {
  const line = () => colour(`--lw-series-${o.colour}`, fallback[o.colour - 1] ?? "#1d5fc4");
  const path = o.stepped ? uPlot.paths.stepped?.({ align: 1 }) : uPlot.paths.linear?.();
  // A peak inside a bucket must be seen, however thin: the band has edges.
  const edge: uPlot.Series = { points: { show: false }, width: 1, stroke: () => line() + "a6", spanGaps: false, ...(path ? { paths: path } : {}) };
  return {
    ...room(o.host),
    legend: { show: false },
    tzDate: local,
    padding: [8, 20, 0, 0],
    scales: { x: { time: true }, y: o.stepped ? { range: [-0.1, 1.1] } : { range: (plot, min, max) => around(plot, ...reach(o.marks(), min, max)) } },
    axes: [axis({ values: instants, space: spaceOf }), axis({ size: 64, ...(o.stepped ? { splits: [0, 1], values: ["false", "true"] } : { values: numbers }) })],
    series: [{}, { stroke: line, width: 1.5, spanGaps: false, points: { filter: alone, size: 5 }, ...(path ? { paths: path } : {}) }, edge, edge],
    bands: [{ series: [3, 2], fill: () => line() + "59" }],
    cursor: {
      y: false,
      drag: { x: true, y: false, setScale: false, dist: 8 },
      sync: { key: together, scales: ["x", null] },
      bind: {
        dblclick: () => () => {
          o.reset();
          return null;
        },
      },
    },
    hooks: {
      drawAxes: [(plot) => behind(plot, o.marks() ?? {})],
      setCursor: [(plot) => o.read(plot.cursor.idx ?? null)],
      setSelect: [
        (plot) => {
          const { left, width } = plot.select;
          if (width < 8) return;
          const [from, to] = [plot.posToVal(left, "x") * 1000, plot.posToVal(left + width, "x") * 1000];
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          o.zoom(Math.floor(from), Math.ceil(to));
        },
      ],
    },
  };
}

export function axis(more: uPlot.Axis): uPlot.Axis {
  return {
    stroke: () => colour("--lw-muted", "#566173"),
    grid: { stroke: () => colour("--lw-grid", "#dde1e7"), width: 1 },
    ticks: { stroke: () => colour("--lw-axis", "#c3c9d2"), width: 1, size: 4 },
    font: "12px system-ui, sans-serif",
    ...more,
  };
}

// reach makes room for the limits, so that one sees how far the values are from them.
function reach(marks: Marks | undefined, min: number | null, max: number | null): [number | null, number | null] {
  const limits = [...(marks?.thresholds ?? []), ...(marks?.ends ?? [])];
  if (limits.length === 0 || min === null || max === null) return [min, max];
  return [Math.min(min, ...limits), Math.max(max, ...limits)];
}

// behind draws when alerts fired, and the limits, under the line.
function behind(plot: uPlot, marks: Marks): void {
  usual(plot, marks.band ?? []);
  shade(plot, marks.intervals ?? []);
  levels(plot, marks.thresholds ?? [], colour("--lw-silent", "#b3261e"), 6);
  levels(plot, marks.ends ?? [], colour("--lw-muted", "#566173"), 2);
}

// usual draws the band in which readings would have surprised nobody.
function usual(plot: uPlot, band: [number, number, number][]): void {
  const { ctx, bbox } = plot;
  const seen = band.map(([at, low, high]) => ({ x: plot.valToPos(at / 1e6, "x", true), low: plot.valToPos(low, "y", true), high: plot.valToPos(high, "y", true) }));
  if (seen.length < 2) return;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.beginPath();
  for (const { x, high } of seen) ctx.lineTo(x, high);
  for (const { x, low } of seen.reverse()) ctx.lineTo(x, low);
  ctx.closePath();
  ctx.fillStyle = `${colour("--lw-muted", "#566173")}33`;
  ctx.fill();
  ctx.restore();
}

// levels draws dashed lines across the chart.
function levels(plot: uPlot, values: number[], paint: string, dash: number): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = paint;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([dash * devicePixelRatio, 4 * devicePixelRatio]);
  for (const value of values) {
    const y = Math.round(plot.valToPos(value, "y", true));
    if (y < bbox.top || y > bbox.top + bbox.height) continue;
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
  }
  ctx.restore();
}

// around leaves air above and below the data; a flat line lies in the middle.
export function around(_: uPlot, min: number | null, max: number | null): [number, number] {
  if (min === null || max === null) return [0, 1];
  const air = max > min ? (max - min) * 0.1 : Math.abs(max) * 0.1 || 1;
  return [min - air, max + air];
}

// alone finds the readings between two gaps: no line would show them.
export function alone(plot: uPlot, series: number, show: boolean): number[] | null {
  const values = plot.data[series];
  if (show || !values) return null;
  const found: number[] = [];
  for (let i = 0; i < values.length; i++) {
    if (values[i] != null && values[i - 1] == null && values[i + 1] == null) found.push(i);
  }
  return found;
}

// keys moves the cursor by arrow keys; the chart is then a slider that says its point.
export function keys(plot: uPlot, o: Pick<ChartOptions, "host" | "label" | "reset" | "read">): void {
  const { host } = o;
  host.tabIndex = 0;
  host.setAttribute("role", "slider");
  host.setAttribute("aria-label", `${o.label}: arrow keys move through the points`);
  host.setAttribute("aria-valuetext", "no point chosen");
  host.addEventListener("keydown", (event) => {
    const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 };
    const step = steps[event.key];
    const last = plot.data[0].length - 1;
    if (event.key === "Escape") o.reset();
    if ((step === undefined && event.key !== "Home" && event.key !== "End") || last < 0) return;
    event.preventDefault();
    const from = plot.cursor.idx ?? last + 1;
    const wanted = event.key === "Home" ? 0 : event.key === "End" ? last : next(plot, from, step ?? 0);
    const at = plot.data[0][wanted];
    if (at === undefined) return;
    plot.setCursor({ left: plot.valToPos(at, "x"), top: plot.over.clientHeight / 2 });
    const said = o.read(wanted);
    host.setAttribute("aria-valuemin", "0");
    host.setAttribute("aria-valuemax", String(last));
    host.setAttribute("aria-valuenow", String(wanted));
    host.setAttribute("aria-valuetext", said);
  });
}

// next skips the gaps.
function next(plot: uPlot, from: number, step: number): number {
  const values = plot.data[1];
  const last = plot.data[0].length - 1;
  const direction = Math.sign(step);
  let wanted = Math.min(last, Math.max(0, from + step));
  while (wanted > 0 && wanted < last && values?.[wanted] == null) wanted += direction;
  return wanted;
}
