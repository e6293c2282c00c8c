// What a dashboard is, as package tenants/dashboard describes it, and what the server answers about a widget.
import type { Value } from "../frames";
import type { Interval } from "../intervals";

export type Kind = "line" | "area" | "band" | "number" | "gauge" | "bars" | "table" | "timeline" | "fleet" | "log" | "alerts" | "image" | "map" | "text";

export interface Place { x: number; y: number; w: number; h: number }
export interface Metric { name: string; right?: boolean }
export interface Threshold { from: number; level: "good" | "warning" | "critical"; word: string }
export interface Spot { x: number; y: number; metric: string; device?: string; label?: string } // x and y in percent
export interface Selection { devices?: string[]; profile?: string; site?: string; labels?: Record<string, string> }
export interface Variable { name: string; of: "site" | "profile" | "device" | "label"; label?: string; default?: string }

export interface Widget {
  id?: string;
  kind: Kind;
  title?: string;
  at: Place;
  select?: Selection;
  metrics?: Metric[];
  min?: number;
  max?: number;
  thresholds?: Threshold[];
  by?: string;
  count?: number;
  text?: string;
  states?: boolean;
  picture?: string;
  spots?: Spot[];
}

export interface Document { range?: string; variables?: Variable[]; widgets?: Widget[] }

// RawPoint is a bucket: µs, mean, smallest, greatest, readings.
export type RawPoint = [at: number, mean: number, min: number, max: number, count: number];

export interface AnswerSeries {
  device: string;
  name: string;
  metric: string;
  unit?: string;
  right?: boolean;
  interval?: number;
  type: "number" | "bool" | "text";
  latest: { value: Value; at: number };
  points?: RawPoint[];
  before?: RawPoint[];
  value?: number;
}

export interface AnswerDevice { device: string; name: string; site?: string; at?: number; interval?: number; disabled?: boolean; place?: { north: number; east: number } }
export interface AnswerEvent { device: string; name: string; at: number; kind: string; what: string; text: string }

// AnswerAlert is an alert; what it has in common with an interval stands behind lines.
export interface AnswerAlert extends Interval { id: string; device: string; who: string; message?: string; state: string }

export interface Answer {
  about?: string; // which devices it is about
  from: number;
  to: number;
  step?: string;
  series?: AnswerSeries[];
  devices?: AnswerDevice[];
  events?: AnswerEvent[];
  alerts?: AnswerAlert[];
  spots?: number[]; // of each, which of the series
  left?: number;
}

export interface Span { from: number; to: number; live: boolean } // ms since 1970

// Show is what every kind of widget can do. A view is given whole answers and, in between, single values.
export interface View {
  show: (answer: Answer, span: Span) => void;
  add?: (device: string, metric: string, at: number, value: Value) => void; // at in ms
  since?: (ms: number) => void; // single values are complete from here on
  tick?: (span: Span) => void; // at most ten times a second while something has come, and once a second
  rows: () => string[][]; // the same as a table, its heading first
  picture?: () => HTMLCanvasElement | null;
  note?: () => string; // what is written below
  moved?: () => void; // spots lie elsewhere now
  destroy?: () => void;
}

// Move puts a spot of a picture elsewhere, in percent; moves of the same name are one step that can be taken back.
export type Move = (spot: number, x: number, y: number, name: string) => void;

// Stage is where a view is drawn and what it may ask of the page.
export interface Stage {
  host: HTMLElement;
  widget: Widget;
  devices: string; // address of the devices' pages; empty where nobody follows links
  pictures?: string; // address of the tenant's pictures
  move?: Move; // only while it is edited
  zoom: (from: number, to: number) => void;
  reset: () => void;
}

// level is the threshold that a value has reached.
export function level(widget: Widget, value: number): Threshold | undefined {
  return [...(widget.thresholds ?? [])].reverse().find((step) => value >= step.from);
}

// label names a series as briefly as the others of its widget allow.
export function label(series: AnswerSeries, all: AnswerSeries[]): string {
  const devices = new Set(all.map((s) => s.device)).size;
  const metrics = new Set(all.map((s) => s.metric)).size;
  if (devices === 1) return series.metric;
  return metrics === 1 ? series.name : `${series.name} · ${series.metric}`;
}
