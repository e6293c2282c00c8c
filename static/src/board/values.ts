// The newest values: one big number, a gauge, a table. Each says how old it is, and what it means in words.
import type { Value } from "../frames";
import { text } from "../dom";
import { exact } from "../freshness";
import { age, make, svg } from "./dom";
import { label, level, type Answer, type AnswerSeries, type Span, type Stage, type View } from "./model";
import { scaled, said } from "./units";

// Held are the series of an answer with what came since.
export class Held {
  series: AnswerSeries[] = [];

  take(answer: Answer): void {
    const newer = this.series;
    this.series = (answer.series ?? []).map((s) => {
      const mine = newer.find((n) => n.device === s.device && n.metric === s.metric);
      return mine && mine.latest.at > s.latest.at ? { ...s, latest: mine.latest } : s;
    });
  }

  add(device: string, metric: string, at: number, value: Value): void {
    const one = this.series.find((s) => s.device === device && s.metric === metric);
    if (one && at * 1000 >= one.latest.at) one.latest = { value, at: at * 1000 };
  }
}

function write(value: Value, unit = ""): { number: string; unit: string } {
  return typeof value === "number" ? scaled(value, unit) : { number: text(value), unit: "" };
}

// valueOf is a number and its unit; the unit is smaller.
function valueOf(series: AnswerSeries, className: string): HTMLElement {
  const { number, unit } = write(series.latest.value, series.unit);
  const place = make("span", `w-value ${className}`);
  place.append(make("span", "number", number));
  if (unit) place.append(" ", make("span", "w-unit", unit));
  return place;
}

function wordOf(stage: Stage, value: Value): HTMLElement | null {
  const step = typeof value === "number" ? level(stage.widget, value) : undefined;
  if (!step) return null;
  const word = make("span", "w-level", step.word);
  word.dataset.level = step.level;
  return word;
}

function rowsOf(held: Held): string[][] {
  return [["Device", "Metric", "Value", "Time"], ...held.series.map((s) => {
    const { number, unit } = write(s.latest.value, s.unit);
    return [s.name, s.metric, `${number} ${unit}`.trim(), s.latest.at > 0 ? exact(s.latest.at / 1000) : "never"];
  })];
}

// changeWords compares the newest value with the beginning of the range, or the means of both periods.
function changeWords(series: AnswerSeries, span: Span): string {
  const points = series.points ?? [];
  const mean = (list: typeof points) => list.reduce((sum, p) => sum + p[1] * p[4], 0) / list.reduce((n, p) => n + p[4], 0);
  const before = series.before?.length ? mean(series.before) : points[0]?.[1];
  const now = series.before?.length ? mean(points) : typeof series.latest.value === "number" ? series.latest.value : undefined;
  if (before === undefined || now === undefined || Number.isNaN(now)) return "";
  const difference = now - before;
  const sign = difference > 0 ? "▲" : difference < 0 ? "▼" : "=";
  const share = before !== 0 ? ` (${difference > 0 ? "+" : ""}${((difference / Math.abs(before)) * 100).toFixed(1)} %)` : "";
  const since = series.before?.length ? "on average against the period before" : `in ${length(span)}`;
  return `${sign} ${said(Math.abs(difference), series.unit ?? "")}${share} ${since}`;
}

function length(span: Span): string {
  const minutes = Math.round((span.to - span.from) / 60_000);
  if (minutes < 120) return `${minutes} min`;
  return minutes < 2880 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1440)} days`;
}

export function number(stage: Stage): View {
  const held = new Held();
  let span: Span = { from: 0, to: 1, live: true };
  const draw = (): void => {
    stage.host.replaceChildren(...held.series.map((series) => {
      const box = make("div", "w-number");
      box.append(valueOf(series, "w-big"));
      const word = wordOf(stage, series.latest.value);
      if (word) box.append(word);
      const line = make("div", "w-number-foot muted small");
      line.append(held.series.length > 1 ? `${label(series, held.series)} · ` : "", age(series.latest.at / 1000, series.interval ?? 0));
      box.append(line, make("div", "w-change muted small", changeWords(series, span)), spark(series, span));
      return box;
    }));
    if (held.series.length === 0) stage.host.replaceChildren(make("p", "muted", "Nothing matches: no such device, or it never sent this."));
  };
  return {
    show: (answer, where) => {
      held.take(answer);
      span = where;
      draw();
    },
    add: (device, metric, at, value) => held.add(device, metric, at, value),
    tick: (where) => {
      span = where;
      draw();
    },
    rows: () => rowsOf(held),
  };
}

// spark draws the extremes, so that a short peak is seen here too.
function spark(series: AnswerSeries, span: Span): SVGSVGElement {
  const root = svg("svg", { class: "w-spark", viewBox: "0 0 200 40", preserveAspectRatio: "none", "aria-hidden": "true" });
  const points = series.points ?? [];
  const low = Math.min(...points.map((p) => p[2]));
  const high = Math.max(...points.map((p) => p[3]));
  if (points.length < 2 || !(high > low)) return root;
  const x = (at: number) => ((at / 1000 - span.from) / (span.to - span.from)) * 200;
  const y = (value: number) => 38 - ((value - low) / (high - low)) * 36;
  const path = points.map((p) => `${x(p[0]).toFixed(1)},${y(p[2]).toFixed(1)} ${x(p[0]).toFixed(1)},${y(p[3]).toFixed(1)}`).join(" ");
  root.append(svg("polyline", { points: path }));
  return root;
}

export function gauge(stage: Stage): View {
  const held = new Held();
  const draw = (): void => {
    stage.host.replaceChildren(...held.series.map((series) => dial(stage, series)));
    if (held.series.length === 0) stage.host.replaceChildren(make("p", "muted", "Nothing matches: no such device, or it never sent this."));
  };
  return {
    show: (answer) => {
      held.take(answer);
      draw();
    },
    add: (device, metric, at, value) => held.add(device, metric, at, value),
    tick: draw,
    rows: () => rowsOf(held),
  };
}

function dial(stage: Stage, series: AnswerSeries): HTMLElement {
  const box = make("div", "w-gauge");
  const value = typeof series.latest.value === "number" ? series.latest.value : Number(series.latest.value === true);
  const seen = (series.points ?? []).flatMap((p) => [p[2], p[3]]);
  const low = stage.widget.min ?? Math.min(0, value, ...seen);
  const high = stage.widget.max ?? Math.max(value, ...seen, low + 1e-9);
  const at = (v: number) => Math.min(1, Math.max(0, (v - low) / (high - low)));
  const root = svg("svg", { class: "w-dial", viewBox: "0 0 200 112", "aria-hidden": "true" });
  root.append(arc(0, 1, "w-dial-back"));
  const steps = stage.widget.thresholds ?? [];
  steps.forEach((step, i) => root.append(thin(at(step.from), at(steps[i + 1]?.from ?? high), `w-dial-step level-${step.level}`)));
  root.append(arc(0, at(value), `w-dial-value level-${level(stage.widget, value)?.level ?? "none"}`));
  box.append(root, valueOf(series, "w-mid"));
  const word = wordOf(stage, series.latest.value);
  if (word) box.append(word);
  const foot = make("div", "muted small");
  foot.append(`${said(low, series.unit ?? "")} to ${said(high, series.unit ?? "")} · `, age(series.latest.at / 1000, series.interval ?? 0));
  box.append(foot);
  return box;
}

function arcPath(from: number, to: number, radius: number): string {
  const point = (share: number) => {
    const angle = Math.PI * (1 - share);
    return `${(100 + radius * Math.cos(angle)).toFixed(2)} ${(104 - radius * Math.sin(angle)).toFixed(2)}`;
  };
  return `M ${point(from)} A ${radius} ${radius} 0 0 1 ${point(Math.max(to, from + 1e-4))}`;
}

const arc = (from: number, to: number, className: string) => svg("path", { class: className, d: arcPath(from, to, 80) });
const thin = (from: number, to: number, className: string) => svg("path", { class: className, d: arcPath(from, to, 96) });

export function table(stage: Stage): View {
  const held = new Held();
  const draw = (): void => {
    const metrics = [...new Set(held.series.map((s) => s.metric))];
    const names = (stage.widget.metrics ?? []).map((m) => m.name);
    metrics.sort((a, b) => names.indexOf(a) - names.indexOf(b));
    const element = make("table", "table table-sm w-table");
    element.append(make("caption", "visually-hidden", stage.widget.title || "Newest values"));
    const head = element.createTHead().insertRow();
    for (const title of ["Device", ...metrics, "Age"]) {
      const cell = make("th", title === "Device" || title === "Age" ? "" : "number", title);
      cell.scope = "col";
      head.append(cell);
    }
    const body = element.createTBody();
    for (const device of new Set(held.series.map((s) => s.device))) body.append(row(stage, metrics, held.series.filter((s) => s.device === device)));
    stage.host.replaceChildren(held.series.length > 0 ? element : make("p", "muted", "Nothing matches: no such device, or it never sent this."));
  };
  return {
    show: (answer) => {
      held.take(answer);
      draw();
    },
    add: (device, metric, at, value) => held.add(device, metric, at, value),
    tick: draw,
    rows: () => rowsOf(held),
  };
}

function row(stage: Stage, metrics: string[], mine: AnswerSeries[]): HTMLElement {
  const line = make("tr");
  const head = make("th", "w-row-name");
  head.scope = "row";
  const link = make("a", "", mine[0]?.name ?? "");
  link.href = `${stage.devices}/${encodeURIComponent(mine[0]?.device ?? "")}`;
  head.append(link);
  line.append(head);
  for (const metric of metrics) {
    const cell = make("td", "number");
    const one = mine.find((s) => s.metric === metric);
    if (one) cell.append(valueOf(one, ""));
    else cell.append(make("span", "muted", "–"));
    const word = one && wordOf(stage, one.latest.value);
    if (word) cell.append(" ", word);
    line.append(cell);
  }
  const newest = mine.reduce((a, b) => (b.latest.at > a.latest.at ? b : a));
  const cell = make("td");
  cell.append(age(newest.latest.at / 1000, newest.interval ?? 0));
  line.append(cell);
  return line;
}

// bars show how values compare, the greatest first.
export function bars(stage: Stage): View {
  let series: AnswerSeries[] = [];
  let left = 0;
  const how = stage.widget.by || "mean";
  return {
    show: (answer) => {
      series = answer.series ?? [];
      left = answer.left ?? 0;
      const most = Math.max(0, ...series.map((s) => s.value ?? 0), stage.widget.max ?? 0);
      const least = Math.min(0, ...series.map((s) => s.value ?? 0));
      const list = make("ol", "w-bars");
      for (const one of series) {
        const item = make("li");
        const name = make("a", "w-bar-name", label(one, series));
        name.href = `${stage.devices}/${encodeURIComponent(one.device)}`;
        const track = make("span", "w-bar-track");
        const bar = make("span", `w-bar level-${level(stage.widget, one.value ?? 0)?.level ?? "none"}`);
        bar.style.left = `${((Math.min(0, one.value ?? 0) - least) / (most - least || 1)) * 100}%`;
        bar.style.width = `${(Math.abs(one.value ?? 0) / (most - least || 1)) * 100}%`;
        track.append(bar);
        const value = make("span", "w-bar-value number", said(one.value ?? 0, one.unit ?? ""));
        const word = wordOf(stage, one.value ?? null);
        if (word) value.append(" ", word);
        item.append(name, track, value);
        list.append(item);
      }
      stage.host.replaceChildren(series.length > 0 ? list : make("p", "muted", "No readings in this range."));
    },
    rows: () => [["Series", how], ...series.map((s) => [label(s, series), said(s.value ?? 0, s.unit ?? "")])],
    note: () => `${how[0]?.toUpperCase()}${how.slice(1)} of the range${left > 0 ? `; ${left} more are not shown` : ""}.`,
  };
}

