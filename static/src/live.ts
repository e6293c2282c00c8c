// One socket per page, whatever the page watches. It comes back by itself, resumes each subscription behind the last
// cursor it has seen, and never lets a page look fresh that has not heard from the server for five seconds.
//
// "The connection is lost" and "the value is late" are different things and are said in different places: the first in
// the banner of the page, the second beside the value.
import { serverNow, setLost, setServerNow } from "./freshness";
import type { Frame, ServerFrame, Topic } from "./frames";

const lostAfter = 4300; // the server beats every two seconds: two beats are missing, and a page must say so within five
const watchEvery = 250;
const jumped = 1000; // by more than this a clock does not drift between two looks
const firstRetry = 500;
const lastRetry = 15_000;
const reopenAfter = 3000; // a subscription that the server could not open just now
const stableAfter = 10_000; // a connection that held this long starts the back-off anew
const sessionEnded = 4401;

// Unattended is a page that nobody reloads by hand: what it does instead of offering that, and where its socket is.
export interface Unattended {
  path: string;
  newer: () => void; // another version of the program is running than the one that made the page
  ended: () => string; // the screen was revoked; what is said of it
  moment: (at: number) => string; // how an instant of the server's time is written
}

const unattendedRetry = 2500; // nobody stands there to press a button: it is back within five seconds of being possible
const unattendedConnecting = 3000; // a network that was cut in between swallows the first packet, and TCP takes its time to try again

interface Subscription {
  number: number;
  topic: Topic;
  cursor: string;
  handle: (frame: Frame) => void;
}

const subscriptions = new Map<number, Subscription>();
let numbers = 0;
let socket: WebSocket | null = null;
let heard = moment(); // when the last message came
let lastBeat = Date.now(); // the server's time when it last said it
let began = moment(); // when the socket was made
let opened = 0; // when it greeted us; 0 while it has not
let retries = 0;
let retry: ReturnType<typeof setTimeout> | undefined;
let ended = false; // the session is over: trying again cannot help
let lostSince = 0;
let ticked = moment(); // when the timers last ran
let unattended: Unattended | undefined;

// A Moment is by both clocks of the machine: one jumps when somebody sets it, the other stands still while it sleeps.
interface Moment { wall: number; steady: number }

function moment(): Moment {
  return { wall: Date.now(), steady: performance.now() };
}

function since(then: Moment): number {
  return Math.max(Date.now() - then.wall, performance.now() - then.steady);
}

// standAlone makes the page one that nobody sits at. It is called before anything is subscribed to.
export function standAlone(how: Unattended): void {
  unattended = how;
}

// tell sends something that is answered by nothing, if anybody hears it.
export function tell(command: object): void {
  if (opened > 0) send(command);
}

// subscribe calls handle for each frame: first a snapshot (or an error), later updates; a snapshot again whenever the
// server could not resume. It returns how to end it.
export function subscribe(topic: Topic, handle: (frame: Frame) => void): () => void {
  const subscription: Subscription = { number: ++numbers, topic, cursor: "", handle };
  subscriptions.set(subscription.number, subscription);
  if (socket) open(subscription);
  else start();
  return () => {
    if (subscriptions.delete(subscription.number)) send({ unsub: subscription.number });
  };
}

function start(): void {
  heard = moment();
  connect();
  setInterval(watch, watchEvery);
  for (const event of ["online", "pageshow", "focus"]) addEventListener(event, wakeUp);
  document.addEventListener("resume", wakeUp); // of a page that was frozen
  addEventListener("offline", () => lose());
  addEventListener("pagehide", () => socket?.close());
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) wakeUp();
  });
  slot("reload")?.addEventListener("click", () => location.reload());
}

function connect(): void {
  clearTimeout(retry);
  retry = undefined;
  const tenant = document.body.dataset.tenant;
  const path = unattended?.path ?? (tenant ? `/t/${encodeURIComponent(tenant)}/live` : undefined);
  if (!path || ended) return;
  const url = new URL(path, location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  const mine = new WebSocket(url);
  socket = mine;
  began = moment();
  opened = 0;
  mine.onmessage = (event) => {
    if (mine === socket && typeof event.data === "string") receive(event.data);
  };
  mine.onclose = (event) => {
    if (mine === socket) closed(event.code);
  };
}

function closed(code: number): void {
  if (opened > 0 && Date.now() - opened > stableAfter) retries = 0;
  opened = 0;
  if (code === sessionEnded) {
    ended = true;
    lose();
    return;
  }
  const longest = Math.min(unattended ? unattendedRetry : lastRetry, firstRetry * 2 ** retries++);
  clearTimeout(retry);
  retry = setTimeout(connect, longest * (0.5 + Math.random() / 2)); // jitter: a restart must not be answered by everybody at once
}

// wakeUp is for a machine that slept or a network that is back: the timers of a hidden page cannot be relied on.
function wakeUp(): void {
  if (!socket || ended) return;
  if (since(heard) > lostAfter) lose();
  if (dead(socket)) abandon();
}

// watch notices silence. A socket that is open but dumb (a dead network says nothing) is given up.
function watch(): void {
  const jump = Date.now() - ticked.wall - (performance.now() - ticked.steady);
  if (jump < -jumped) setServerNow(serverNow() - jump); // somebody set the clock back: nothing became younger by it
  ticked = moment();
  if (ended || since(heard) <= lostAfter) return;
  lose();
  if (socket && socket.readyState !== WebSocket.CLOSED && dead(socket)) abandon();
}

// dead says whether waiting for this socket is pointless.
function dead(which: WebSocket): boolean {
  const quiet = Math.min(since(heard), since(began));
  if (which.readyState === WebSocket.CONNECTING) return quiet > (unattended ? unattendedConnecting : 2 * lostAfter);
  return which.readyState === WebSocket.OPEN ? quiet > lostAfter : true;
}

function abandon(): void {
  const old = socket;
  socket = null;
  connect();
  old?.close();
}

function receive(text: string): void {
  if (unattended && !document.hidden && since(ticked) > lostAfter) {
    // The page was frozen or the machine slept. What waited in the socket is from before, and so are its beats: nothing of it
    // may be taken for now.
    ticked = moment();
    lose();
    abandon();
    return;
  }
  heard = moment();
  for (const line of text.split("\n")) {
    const frame = JSON.parse(line) as ServerFrame;
    if (frame.hello) greet(frame.hello);
    if (frame.beat !== undefined) setServerNow((lastBeat = frame.beat));
    if (frame.sub !== undefined) deliver(frame as Frame);
  }
  pulse();
}

function greet(hello: { version: string; now: number }): void {
  opened = Date.now();
  setServerNow((lastBeat = hello.now));
  found();
  const mine = document.body.dataset.version;
  if (mine && hello.version && mine !== hello.version) {
    if (unattended) unattended.newer();
    else say("A newer version of Longwave is running. Reload the page to use it.", true);
  }
  for (const subscription of subscriptions.values()) open(subscription);
}

function open(subscription: Subscription): void {
  const { number, topic, cursor } = subscription;
  if (opened > 0) send({ sub: number, ...topic, ...(cursor ? { cursor } : {}) });
}

function send(command: object): void {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(command));
}

function deliver(frame: Frame): void {
  const subscription = subscriptions.get(frame.sub);
  if (!subscription) return;
  if (frame.cursor) subscription.cursor = frame.cursor;
  if (frame.error?.code === "unavailable") {
    setTimeout(() => {
      if (subscriptions.has(subscription.number)) open(subscription);
    }, reopenAfter);
    return;
  }
  subscription.handle(frame);
}

function lose(): void {
  if (lostSince === 0) {
    lostSince = Date.now();
    document.documentElement.dataset.connection = "lost";
    setLost(true);
  }
  if (ended) {
    if (unattended) say(unattended.ended(), false);
    else say("Your session has ended. Values are not current. Reload the page to sign in again.", true);
    return;
  }
  const last = unattended ? unattended.moment(lastBeat) : new Date(heard.wall).toLocaleTimeString();
  say(`▲ Connection lost. Nothing heard since ${last}: values are not current. Trying again.`, false);
}

function found(): void {
  lostSince = 0;
  document.documentElement.dataset.connection = "live";
  setLost(false);
  const banner = document.getElementById("connection");
  if (banner) banner.hidden = true;
}

function say(text: string, reload: boolean): void {
  const banner = document.getElementById("connection");
  const words = slot("text");
  const button = slot("reload");
  if (words && words.textContent !== text) words.textContent = text;
  if (button) button.hidden = !reload;
  if (banner) banner.hidden = false;
}

function slot(name: string): HTMLElement | null {
  return document.querySelector<HTMLElement>(`#connection [data-slot="${name}"]`);
}

let resting: ReturnType<typeof setTimeout> | undefined;

// pulse moves the dot, and only because a message really came.
function pulse(): void {
  const dot = document.getElementById("pulse");
  if (!dot || resting !== undefined) return;
  dot.classList.add("beat");
  resting = setTimeout(() => {
    dot.classList.remove("beat");
    resting = undefined;
  }, 300);
}
