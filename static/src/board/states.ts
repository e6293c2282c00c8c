// Which state when, which device how, what was said, and words.
import { serverNow, short, stateOf, stateWord } from "../freshness";
import type { Value } from "../frames";
import { text as written } from "../dom";
import { age, make, moment } from "./dom";
import { label, level, type Answer, type AnswerDevice, type AnswerEvent, type AnswerSeries, type Span, type Stage, type View } from "./model";
import { markdown } from "./markdown";
import { said } from "./units";

interface Segment { from: number; to: number; word: string; key: string } // ms

const mostSegments = 400; // of one row: more than there are pixels for words

export function timeline(stage: Stage): View {
  let answer: Answer | undefined;
  let all: AnswerSeries[] = [];
  const came: { device: string; metric: string; at: number; value: Value }[] = [];
  let segments: { name: string; list: Segment[] }[] = [];
  const draw = (span: Span): void => {
    segments = all.map((series) => ({ name: label(series, all), list: segmentsOf(stage, series, answer, came, span) }));
    const rows = segments.map(({ name, list }) => {
      const row = make("div", "w-lane");
      const track = make("div", "w-lane-track");
      track.setAttribute("role", "img");
      track.setAttribute("aria-label", `${name}: ${list.at(-1)?.word ?? "nothing known"} now, ${list.length} states in this range`);
      for (const s of list) {
        const part = make("span", `w-state ${s.key}`, s.word);
        const [from, to] = [Math.max(s.from, span.from), Math.min(s.to, span.to)];
        part.style.left = `${((from - span.from) / (span.to - span.from)) * 100}%`;
        part.style.width = `${(Math.max(0, to - from) / (span.to - span.from)) * 100}%`;
        part.title = `${s.word}, ${short(s.from)} to ${short(s.to)}`;
        track.append(part);
      }
      row.append(make("span", "w-lane-name", name), track);
      return row;
    });
    const axis = make("div", "w-lane-axis muted small");
    axis.append(make("span", "", short(span.from)), make("span", "", short(span.to)));
    stage.host.replaceChildren(...rows, ...(rows.length > 0 ? [axis] : [make("p", "muted", "Nothing matches: no such device, or it never sent this.")]));
  };
  return {
    show: (next, span) => {
      answer = next;
      all = next.series ?? [];
      came.length = 0;
      draw(span);
    },
    add: (device, metric, at, value) => {
      if (came.push({ device, metric, at, value }) > 5000) came.splice(0, 1000);
    },
    tick: draw,
    rows: () => [["Series", "State", "From", "To"], ...segments.flatMap(({ name, list }) => list.map((s) => [name, s.word, short(s.from), short(s.to)]))],
    note: () => "A state lasts until the next value; a hatched part is not known.",
  };
}

function segmentsOf(stage: Stage, series: AnswerSeries, answer: Answer | undefined, came: { device: string; metric: string; at: number; value: Value }[], span: Span): Segment[] {
  const mine = came.filter((c) => c.device === series.device && c.metric === series.metric).map((c) => ({ at: c.at, value: c.value }));
  const texts = (answer?.events ?? []).filter((e) => e.device === series.device && e.what === series.metric).map((e) => ({ at: e.at / 1000, value: e.text as Value }));
  const points = (series.points ?? []).map((p) => ({ at: p[0] / 1000, value: (series.type === "bool" ? p[1] >= 0.5 : p[1]) as Value }));
  const known = [...texts, ...points, ...mine].sort((a, b) => a.at - b.at);
  const out: Segment[] = [];
  const silence = 3000 * (series.interval ?? 0); // without an interval a state holds until the next one
  known.forEach(({ at, value }, i) => {
    const next = known[i + 1]?.at ?? Math.min(span.to, serverNow());
    const end = silence > 0 && series.type !== "text" && next - at > silence + 60_000 ? at + silence : next;
    const word = stateOfValue(stage, value, series.unit ?? "");
    const last = out.at(-1);
    if (last && last.word === word && last.to >= at) last.to = end;
    else out.push({ from: at, to: end, word, key: keyOf(stage, value, word) });
  });
  return out.filter((s) => s.to >= span.from && s.from <= span.to).slice(-mostSegments);
}

function stateOfValue(stage: Stage, value: Value, unit: string): string {
  if (typeof value !== "number") return written(value);
  return level(stage.widget, value)?.word ?? said(value, unit);
}

function keyOf(stage: Stage, value: Value, word: string): string {
  const step = typeof value === "number" ? level(stage.widget, value) : undefined;
  if (step) return `level-${step.level}`;
  let hash = 0;
  for (const c of word) hash = (hash * 31 + c.charCodeAt(0)) >>> 0;
  return `series-${(hash % 8) + 1}`;
}

export const worst: Record<string, number> = { silent: 0, late: 1, never: 2, unknown: 3, live: 4, disabled: 5 };

export function fleet(stage: Stage): View {
  let devices: AnswerDevice[] = [];
  let series: AnswerSeries[] = [];
  let left = 0;
  const stateIs = (d: AnswerDevice) => (d.disabled ? "disabled" : stateOf((d.at ?? 0) / 1000, d.interval ?? 0, serverNow()));
  const draw = (): void => {
    const sorted = [...devices].sort((a, b) => (worst[stateIs(a)] ?? 9) - (worst[stateIs(b)] ?? 9) || a.name.localeCompare(b.name));
    stage.host.replaceChildren(counts(sorted.map(stateIs)), grid(sorted.slice(0, stage.widget.count || sorted.length)));
  };
  const grid = (list: AnswerDevice[]): HTMLElement => {
    const out = make("ul", "w-fleet");
    for (const d of list) {
      const item = make("li");
      const cell = make("a", "w-cell");
      const state = stateIs(d);
      cell.href = `${stage.devices}/${encodeURIComponent(d.device)}`;
      cell.dataset.state = state;
      const value = series.find((s) => s.device === d.device);
      const number = value && typeof value.latest.value === "number" ? said(value.latest.value, value.unit ?? "") : "";
      const mark = make("span", "state", stateWord(state));
      mark.dataset.state = state;
      cell.append(make("span", "w-cell-name", d.name), number ? make("span", "w-value number", number) : "", mark, age((d.at ?? 0) / 1000, d.interval ?? 0));
      item.append(cell);
      out.append(item);
    }
    return out;
  };
  return {
    show: (answer) => {
      devices = answer.devices ?? [];
      series = answer.series ?? [];
      left = answer.left ?? 0;
      draw();
    },
    add: (device, metric, at, value) => {
      const one = devices.find((d) => d.device === device);
      if (one && at * 1000 > (one.at ?? 0)) one.at = at * 1000;
      const mine = series.find((s) => s.device === device && s.metric === metric);
      if (mine && at * 1000 >= mine.latest.at) mine.latest = { value, at: at * 1000 };
    },
    tick: draw,
    rows: () => [["Device", "State", "Last sent"], ...devices.map((d) => [d.name, stateWord(stateIs(d)), d.at ? short(d.at / 1000) : "never"])],
    note: () => (left > 0 ? `${left} more devices are not shown.` : ""),
  };
}

function counts(states: string[]): HTMLElement {
  const line = make("p", "w-counts");
  for (const state of Object.keys(worst)) {
    const n = states.filter((s) => s === state).length;
    if (n === 0) continue;
    const mark = make("span", "state", `${n} ${stateWord(state).toLowerCase()}`);
    mark.dataset.state = state;
    line.append(mark, " ");
  }
  return line;
}

const mostLines = 200;

export function log(stage: Stage): View {
  let events: AnswerEvent[] = [];
  const names = new Map<string, string>();
  const draw = (): void => {
    const list = make("ol", "w-log");
    for (const e of events.slice(0, stage.widget.count || mostLines)) {
      const item = make("li");
      item.append(moment(e.at / 1000), make("span", "w-log-who", e.name), make("span", "muted", e.what), make("span", "w-log-text", e.text));
      list.append(item);
    }
    stage.host.replaceChildren(events.length > 0 ? list : make("p", "muted", "No events in this range: no text value, change of state or log line."));
  };
  return {
    show: (answer) => {
      events = answer.events ?? [];
      for (const e of events) names.set(e.device, e.name);
      draw();
    },
    add: (device, metric, at, value) => {
      if (typeof value !== "string") return;
      if (events.some((e) => e.device === device && e.what === metric && e.at === at * 1000 && e.text === value)) return;
      events = [{ device, name: names.get(device) ?? device, at: at * 1000, kind: "value", what: metric, text: value }, ...events].sort((a, b) => b.at - a.at).slice(0, mostLines);
    },
    tick: draw,
    rows: () => [["Time", "Device", "What", "Text"], ...events.map((e) => [short(e.at / 1000), e.name, e.what, e.text])],
  };
}

export function words(stage: Stage): View {
  return {
    show: () => stage.host.replaceChildren(markdown(stage.widget.text ?? "")),
    rows: () => [["Text"], [stage.widget.text ?? ""]],
  };
}
