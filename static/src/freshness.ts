// How old things are, said the same way everywhere. After how many expected intervals something is late or silent, and
// how both are called, is defined by the server (package freshness) and stands on the page. While the connection to the
// server is lost nothing is claimed: every state is "unknown", because a page that hears nothing cannot tell a quiet
// device from a dead line.

import { inZone } from "./zone";

export type State = "live" | "late" | "silent" | "never" | "unknown";

interface Definition { late: number; silent: number; assumed: number; words: Record<string, string> }

const definition = JSON.parse(document.body.dataset.freshness ?? "{}") as Partial<Definition>;
const day = 86_400_000;

let offset = 0; // of the server's clock from this one's, in ms: ages are the server's, whatever this machine believes
let lost = false;

// serverNow is the server's clock in ms since 1970.
export function serverNow(): number {
  return Date.now() + offset;
}

// setServerNow is told what the server's clock was a moment ago.
export function setServerNow(ms: number): void {
  offset = ms - Date.now();
}

// setLost changes what may be claimed, at once.
export function setLost(now: boolean): void {
  lost = now;
  refresh();
}

// stateOf decides; at in ms since 1970, 0 for never; interval in seconds, 0 for unknown.
export function stateOf(at: number, interval: number, now: number): State {
  if (at <= 0) return "never";
  const silence = (now - at) / 1000 / (interval > 0 ? interval : definition.assumed ?? NaN);
  if (definition.silent === undefined || definition.late === undefined || Number.isNaN(silence)) return "unknown"; // no definition, no claim
  return silence > definition.silent ? "silent" : silence > definition.late ? "late" : "live";
}

// stateWord is how a state is called.
export function stateWord(state: string): string {
  return definition.words?.[state] ?? "Unknown";
}

// age is "12 s ago" up to a day, then the date.
export function age(at: number, now: number): string {
  if (at <= 0) return "never";
  const seconds = Math.round((now - at) / 1000);
  if (seconds <= -5) return `${span(-seconds)} ahead`; // a device whose clock runs ahead: no age is true
  if (seconds < 1) return "now";
  return seconds * 1000 < day ? `${span(seconds)} ago` : dates.format(at);
}

// span is a length of time in the largest unit that fits.
function span(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h`;
}

const dates = new Intl.DateTimeFormat(undefined, { ...inZone, dateStyle: "medium", timeStyle: "short" });
const instants = new Intl.DateTimeFormat(undefined, {
  ...inZone, year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
  fractionalSecondDigits: 3, timeZoneName: "short",
});

// exact is the instant to the millisecond, with its zone.
export function exact(at: number): string {
  return instants.format(at);
}

const moments = new Intl.DateTimeFormat("en-GB", { ...inZone, day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });

// short is the instant to the second, for where the zone is said nearby.
export function short(at: number): string {
  return moments.format(at);
}

// zone names the time zone in which this browser shows instants: "CET, Europe/Berlin".
function zone(): string {
  const short = new Intl.DateTimeFormat(undefined, { ...inZone, timeZoneName: "short" }).formatToParts().find((part) => part.type === "timeZoneName")?.value ?? "";
  const long = Intl.DateTimeFormat(undefined, inZone).resolvedOptions().timeZone;
  return short === long || long === undefined ? short : `${short}, ${long}`;
}

// seenDevice moves the time and the state at the head of a device's pages; at in µs, interval in seconds.
export function seenDevice(at: number, interval: number): void {
  const time = document.getElementById("device-seen");
  if (time && at > 0) setTime(time, at / 1000, Number.isFinite(interval) ? interval : 0);
}

// setTime changes what an age shows and returns its element: text that said "never" becomes a time. An older time than
// the one that is shown is ignored: newest means device time.
export function setTime(place: HTMLElement, at: number, interval?: number): HTMLElement {
  const element = place instanceof HTMLTimeElement ? place : replaced(place);
  if (at < Number(element.dataset.at ?? 0)) return element;
  element.dataset.at = String(at);
  if (interval !== undefined) element.dataset.interval = String(interval > 0 ? interval : Number(element.dataset.interval ?? 0));
  describe(element);
  show(element, serverNow());
  return element;
}

function replaced(place: HTMLElement): HTMLElement {
  const element = document.createElement("time");
  for (const { name, value } of place.attributes) if (name !== "class") element.setAttribute(name, value);
  place.replaceWith(element);
  return element;
}

// startFreshness keeps every age of the page true with one timer.
export function startFreshness(): void {
  const rendered = Number(document.querySelector<HTMLElement>("[data-now]")?.dataset.now ?? 0);
  if (rendered > 0) setServerNow(rendered);
  for (const place of document.querySelectorAll("[data-zone]")) place.textContent = `Times in ${zone()}`;
  refresh();
  setInterval(() => {
    if (!document.hidden) refresh();
  }, 1000);
  document.addEventListener("visibilitychange", refresh);
}

function refresh(): void {
  const now = serverNow();
  for (const element of document.querySelectorAll<HTMLElement>("time[data-at]")) {
    if (!element.title) describe(element);
    show(element, now);
  }
}

// describe sets what hovering and focusing tell.
function describe(element: HTMLElement): void {
  const at = Number(element.dataset.at);
  if (!(at > 0)) return;
  element.title = exact(at);
  element.tabIndex = 0;
  element.setAttribute("datetime", new Date(at).toISOString());
}

function show(element: HTMLElement, now: number): void {
  const at = Number(element.dataset.at);
  const text = age(at, now);
  if (element.textContent !== text) {
    element.textContent = text;
    if (at > 0) element.setAttribute("aria-label", `${text}, ${exact(at)}`);
  }
  if (element.dataset.interval === undefined) return;
  const state = lost ? "unknown" : stateOf(at, Number(element.dataset.interval), now);
  mark(element, state);
  for (const badge of badges(element)) setState(badge, state);
}

// badges are the words beside a time: the state of its own metric or row, and whatever refers to its id.
function badges(time: HTMLElement): HTMLElement[] {
  const found: HTMLElement[] = [];
  const owner = time.closest<HTMLElement>("[data-metric], [data-device]:not(main)");
  const own = owner?.querySelector<HTMLElement>('[data-slot="state"]');
  if (owner && own && owner.dataset.disabled === undefined) found.push(own);
  if (time.id) found.push(...document.querySelectorAll<HTMLElement>(`[data-state-of="${CSS.escape(time.id)}"]`));
  return found;
}

function mark(element: HTMLElement, state: State): void {
  if (element.dataset.state !== state) element.dataset.state = state;
}

// setState puts the state and its word on an element; the shape beside it is drawn by the style sheet.
export function setState(element: HTMLElement, state: State): void {
  mark(element, state);
  const word = stateWord(state);
  if (element.textContent !== word) element.textContent = word;
}
