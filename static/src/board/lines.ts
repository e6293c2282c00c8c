// Lines, areas and bands: many series on two axes, with their extremes, gaps and thresholds.
import uPlot from "uplot";
import { colourOf, follow, keys } from "../chart";
import { short } from "../freshness";
import { mark, named, shade, under } from "../intervals";
import { stepWords } from "../points";
import { make } from "./dom";
import { mostBands, options, type Drawn } from "./lineplot";
import { label, type Answer, type AnswerSeries, type Span, type Stage, type View } from "./model";
import { buckets, Track, type Bucket } from "./track";
import { said, scaleFor, type Scale } from "./units";

const dashes = [[], [6, 3], [2, 3]]; // when the palette begins again

export function lines(stage: Stage): View {
  const plotHost = make("div", "w-plot");
  const legend = make("ul", "w-legend");
  stage.host.append(plotHost, legend);
  const hidden = new Set<string>();
  let tracks: Track[] = [];
  let answer: Answer | undefined;
  let span: Span = { from: 0, to: 1, live: true };
  let plot: uPlot | undefined;
  let leave: (() => void) | undefined;
  let shape = "";
  let drawn: Drawn[] = [];
  let since = 0;

  function show(next: Answer, where: Span): void {
    const old = new Map(tracks.map((track) => [track.series.device + "\n" + track.series.metric, track]));
    answer = next;
    tracks = (next.series ?? []).map((series) => {
      const track = new Track(series, next.step ?? "1s", since);
      old.get(series.device + "\n" + series.metric)?.hand(track);
      return track;
    });
    draw(where);
  }

  function draw(where: Span): void {
    span = where;
    drawn = collect();
    const scales = { left: scaleOf(drawn, false), right: scaleOf(drawn, true) };
    const now = drawn.map((d) => [d.name, d.right, d.before, d.colour].join()).join(";") + scales.left.unit + scales.right.unit;
    if (now !== shape || !plot) rebuild(scales);
    shape = now;
    const data = align(drawn, scales);
    plot?.batch(() => {
      plot?.setData(data, false);
      plot?.setScale("x", { min: span.from / 1000, max: span.to / 1000 });
    });
    write(null);
  }

  // collect is what is drawn: each series, with the period before where it was asked for, or all as one band.
  function collect(): Drawn[] {
    const all = tracks.map((track) => track.series);
    const list = tracks.map((track, i): Drawn => {
      const points = track.all(span.from / 1000);
      const { colour, dash } = colourFor(all, i);
      return { name: label(track.series, all), unit: track.series.unit ?? "", right: track.series.right ?? false, colour, dash, points, gap: track.gap(points), before: false, ...(span.live ? { newest: Number(track.series.latest.value) } : {}) };
    });
    if (stage.widget.kind === "band" && list.length > 1) return [merged(list)];
    const length = answer ? (answer.to - answer.from) / 1e6 : 0;
    const past = tracks.flatMap((track, i): Drawn[] => {
      const points = buckets(track.series.before ?? []).map((p) => ({ ...p, t: p.t + length }));
      const one = list[i];
      return points.length > 0 && one ? [{ ...one, name: `${one.name}, before`, dash: [3, 4], points, before: true }] : [];
    });
    return [...list, ...past].filter((d) => !hidden.has(d.name));
  }

  function rebuild(scales: { left: Scale; right: Scale }): void {
    leave?.();
    plot?.destroy();
    const unit = { left: scales.left.unit, right: scales.right.unit };
    const made = options(stage, drawn, unit, read);
    plot = new uPlot({ ...made, hooks: { ...made.hooks, drawAxes: [behind] } }, [[]], plotHost);
    leave = follow(plot, plotHost);
    slider(plot);
  }

  // behind draws when alerts fired and states changed, under the lines.
  function behind(on: uPlot): void {
    shade(on, answer?.alerts ?? []);
    mark(on, (answer?.events ?? []).map((e) => ({ at: e.at, text: e.text })));
  }

  // slider makes the place of the plot one that arrow keys move through; a new plot has a new place.
  function slider(made: uPlot): void {
    keys(made, { host: made.root, label: stage.widget.title || "Chart", reset: stage.reset, read });
  }

  function read(index: number | null): string {
    write(index);
    const at = index === null ? undefined : plot?.data[0][index];
    if (at === undefined || index === null) return "no point chosen";
    const parts = drawn.map((d) => ({ d, b: near(d.points, at) })).filter((x) => x.b).map(({ d, b }) => `${d.name} ${said(b?.value ?? 0, d.unit)}`);
    const fired = under(answer?.alerts ?? [], at);
    return `${short(at * 1000)}: ${parts.join(", ") || "nothing"}${fired && `; ${fired}`}`;
  }

  // write fills the legend with the values under the cursor, else with the newest ones.
  function write(index: number | null): void {
    const at = index === null ? undefined : plot?.data[0][index];
    const everything = tracks.map((track) => track.series);
    const names = stage.widget.kind === "band" && tracks.length > 1 ? drawn.map((d) => d.name) : everything.map((s) => label(s, everything));
    while (legend.children.length > names.length) legend.lastElementChild?.remove();
    names.forEach((name, i) => {
      const item = (legend.children[i] as HTMLElement | undefined) ?? legend.appendChild(entry());
      const one = drawn.find((d) => d.name === name);
      const toggle = item.firstElementChild as HTMLButtonElement;
      const swatch = toggle.firstElementChild as HTMLElement;
      swatch.className = `w-swatch series-${one?.colour ?? 0}`;
      const value = one && (at === undefined ? one.newest ?? one.points.at(-1)?.value : near(one.points, at)?.value);
      set(toggle.children[1], name);
      set(toggle.children[2], one && value !== undefined && !Number.isNaN(value) ? said(value, one.unit) : "–");
      toggle.setAttribute("aria-pressed", String(!hidden.has(name)));
      toggle.dataset.name = name;
    });
  }

  function entry(): HTMLElement {
    const item = make("li");
    const toggle = make("button", "w-legend-item");
    toggle.type = "button";
    toggle.append(make("span", "w-swatch"), make("span", "w-legend-name"), make("span", "w-legend-value number"));
    toggle.addEventListener("click", () => {
      const name = toggle.dataset.name ?? "";
      if (!hidden.delete(name)) hidden.add(name);
      draw(span);
    });
    item.append(toggle);
    return item;
  }

  return {
    show,
    add: (device, metric, at, value) => {
      if (typeof value !== "number" && typeof value !== "boolean") return;
      tracks.find((track) => track.series.device === device && track.series.metric === metric)?.add(at, Number(value));
    },
    since: (ms) => {
      since = ms;
      for (const track of tracks) track.from(ms);
    },
    tick: draw,
    rows: () => [...rows(drawn), ...marked(answer)],
    picture: () => plot?.ctx.canvas ?? null,
    note: () => note(stage, answer, tracks),
    destroy: () => {
      leave?.();
      plot?.destroy();
    },
  };
}

// marked are the alerts and states of a chart as rows of its table.
function marked(answer: Answer | undefined): string[][] {
  const alerts = (answer?.alerts ?? []).map((a) => [short(a.from / 1000), `${named(a)} on ${a.who}, ${a.to ? `to ${short(a.to / 1000)}` : "still firing"}`, "", "", ""]);
  const states = (answer?.events ?? []).map((e) => [short(e.at / 1000), `${e.name} · ${e.what}: ${e.text}`, "", "", ""]);
  return [...alerts, ...states];
}

function set(element: Element | undefined, text: string): void {
  if (element && element.textContent !== text) element.textContent = text;
}

function note(stage: Stage, answer: Answer | undefined, tracks: Track[]): string {
  const left = answer?.left ? ` ${answer.left} more are not shown.` : "";
  if (tracks.length === 0) return `Nothing matches: no such device, or it never sent this.${left}`;
  const step = stepWords(answer?.step ?? "");
  if (!step) return `No readings in this range.${left}`;
  const how = tracks.length > mostBands && stage.widget.kind !== "band" ? "lines go through the smallest and largest reading of each" : "bands reach from the smallest to the largest reading";
  const alerts = answer?.alerts?.length ?? 0;
  const shaded = alerts > 0 ? ` Shaded: ${alerts === 1 ? "an alert" : `${alerts} alerts`}.` : "";
  return `Mean of each ${step}; ${how}.${shaded}${left}`;
}

function colourFor(all: AnswerSeries[], index: number): { colour: number; dash: number[] } {
  const taken = new Set<number>();
  let found = 1;
  for (let i = 0; i <= index; i++) {
    const one = all[i];
    if (!one) break;
    if (taken.size >= 8) taken.clear();
    found = colourOf(all.length === 1 || new Set(all.map((s) => s.device)).size === 1 ? one.metric : one.device + one.metric);
    while (taken.has(found)) found = (found % 8) + 1;
    taken.add(found);
  }
  return { colour: found, dash: dashes[Math.floor(index / 8) % dashes.length] ?? [] };
}

// merged is all series as one: the smallest, the mean and the greatest of all.
function merged(list: Drawn[]): Drawn {
  const by = new Map<number, Bucket>();
  for (const one of list) {
    for (const p of one.points) {
      const b = by.get(p.t);
      if (!b) by.set(p.t, { ...p });
      else by.set(p.t, { t: p.t, value: (b.value * b.count + p.value * p.count) / (b.count + p.count), min: Math.min(b.min, p.min), max: Math.max(b.max, p.max), count: b.count + p.count });
    }
  }
  const first = list[0];
  return { name: `${list.length} series`, unit: first?.unit ?? "", right: false, colour: 1, dash: [], before: false,
    gap: Math.max(...list.map((d) => d.gap)), points: [...by.values()].sort((a, b) => a.t - b.t) };
}

function scaleOf(drawn: Drawn[], right: boolean): Scale {
  let size = 0;
  const mine = drawn.filter((d) => d.right === right);
  for (const d of mine) for (const p of d.points) size = Math.max(size, Math.abs(p.max), Math.abs(p.min));
  const units = new Set(mine.map((d) => d.unit));
  return scaleFor(size, units.size === 1 ? mine[0]?.unit ?? "" : "");
}

// extremes are drawn instead of a band when there are many lines: within each bucket the line goes to both.
function extremes(points: Bucket[]): Bucket[] {
  return points.flatMap((p) => (p.min === p.max ? [p] : [{ ...p, value: p.min }, { ...p, t: p.t + 1e-3, value: p.max }]));
}

// align puts all series on one row of instants. Where a series has nothing while another has, nothing is said; where it
// was silent, the line is broken.
function align(drawn: Drawn[], scales: { left: Scale; right: Scale }): uPlot.AlignedData {
  const wide = drawn.length <= mostBands;
  const tables = drawn.map((d): uPlot.AlignedData => {
    const factor = (d.right ? scales.right : scales.left).factor;
    const [t, value, low, high]: [number[], (number | null)[], (number | null)[], (number | null)[]] = [[], [], [], []];
    let before: number | undefined;
    for (const p of wide ? d.points : extremes(d.points)) {
      if (before !== undefined && p.t - before > d.gap) {
        t.push((before + p.t) / 2);
        for (const column of [value, low, high]) column.push(null);
      }
      t.push(p.t);
      value.push(p.value * factor);
      low.push(p.min * factor);
      high.push(p.max * factor);
      before = p.t;
    }
    return wide ? [t, value, low, high] : [t, value];
  });
  return tables.length > 0 ? uPlot.join(tables) : [[]];
}

function near(points: Bucket[], at: number): Bucket | undefined {
  let [low, high] = [0, points.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((points[middle]?.t ?? 0) <= at) low = middle;
    else high = middle - 1;
  }
  const found = points[low];
  return found && Math.abs(found.t - at) <= Math.max(0.01, spacing(points)) ? found : undefined;
}

function spacing(points: Bucket[]): number {
  const [a, b] = [points.at(-2), points.at(-1)];
  return a && b ? b.t - a.t : 0.01;
}

function rows(drawn: Drawn[]): string[][] {
  const out = [["Time", "Series", "Mean", "Smallest", "Largest"]];
  for (const d of drawn) for (const p of d.points.slice(-200).reverse()) out.push([short(p.t * 1000), d.name, said(p.value, d.unit), said(p.min, d.unit), said(p.max, d.unit)]);
  return out;
}
