// The frames of the browser socket, as web/socket.go describes them. Times are microseconds since 1970.

import type { Document } from "./board/model";

export type Value = number | boolean | string | null;

export interface Packet {
  id: string;
  at: number;
  received: number;
  kind: "metrics" | "status" | "logs";
  lane: string;
  values: [name: string, value: Value][];
}

export interface Latest {
  metric: string;
  value: Value;
  at: number;
  received: number;
  interval?: number;
  unit?: string;
}

export interface Rejected {
  at: number;
  index: number;
  pointer?: string;
  code: string;
  detail: string;
  raw: string;
}

export interface Attempt {
  at: number;
  status: number;
  detail: string;
  transport: string;
  attributed: boolean;
}

export interface Sighting {
  device: string;
  at: number;
  seen: number;
  interval?: number;
}

export interface OpenAlerts {
  open: number;
  worst: string;
  place: number;
  list?: ScreenAlert[]; // to an unattended screen only
}

export interface ScreenAlert {
  severity: string;
  rule: string;
  device: string;
  began: number;
  taken?: boolean;
}

// Shown is what an unattended screen is to show. Its times are milliseconds since 1970.
export interface Shown {
  tenant: string;
  name: string;
  seconds: number;
  pause: boolean;
  zoom: number;
  zone?: string;
  light?: boolean;
  reload?: number;
  identify?: number;
  pages: ShownPage[];
}

export interface ShownPage {
  id: string;
  name: string;
  version: number;
  document: Document;
}

// Content is what a snapshot and an update may both hold.
export interface Content {
  packets?: Packet[];
  latest?: Latest[];
  rejected?: Rejected[];
  devices?: Sighting[];
  attempts?: Attempt[];
  alerts?: OpenAlerts;
  points?: LivePoint[];
}

// LivePoint is one value of a widget.
export type LivePoint = [device: string, metric: string, at: number, value: Value];

export interface Frame extends Content {
  sub: number;
  cursor?: string;
  resumed?: boolean;
  skipped?: number;
  position?: number; // in the control log
  arrived?: number; // packets since the frame before
  wall?: Shown;
  snapshot?: Content & { incomplete: boolean; since?: number };
  error?: { code: string; detail: string };
}

export type ServerFrame = Partial<Frame> & { beat?: number; hello?: { version: string; now: number } };

export interface Topic {
  topic: "device" | "devices" | "rate" | "attempts" | "alerts" | "widget" | "directory" | "wall";
  device?: string;
  devices?: string[];
  dashboard?: string;
  widget?: string;
  values?: Record<string, string>;
  draft?: unknown;
}

// toMs turns the server's microseconds into the milliseconds of Date.
export const toMs = (micros: number): number => micros / 1000;
