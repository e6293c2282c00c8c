// An alert rule is tried on the past without leaving the page: the answer comes line by line, first how far it is, then what came of
// it, and ends when somebody cancels.
import { fill } from "./dom";
import { MetricChart, type Marks } from "./metricchart";
import { watchRange } from "./range";

interface Line {
  done?: number;
  of?: number;
  html?: string; // our own page's markup
}

let running: AbortController | undefined;
let chart: MetricChart | undefined;

// startPast brings the part "On the past" of the editor to life.
export function startPast(): void {
  const button = document.getElementById("past-try");
  if (!(button instanceof HTMLButtonElement)) return;
  watchRange(() => chart?.reload());
  draw();
  button.addEventListener("click", (event) => {
    if (!button.form) return;
    event.preventDefault();
    void attempt(button, button.form);
  });
  document.getElementById("past-cancel")?.addEventListener("click", () => running?.abort());
  const form = button.form;
  form?.addEventListener("htmx:configRequest", (event) => { // what was typed just before: htmx would send it where this button leads
    (event as CustomEvent<{ path: string }>).detail.path = form.getAttribute("hx-post") ?? "";
  });
}

async function attempt(button: HTMLButtonElement, form: HTMLFormElement): Promise<void> {
  running?.abort();
  const mine = new AbortController();
  running = mine;
  show(true);
  progress(0, 0);
  try {
    const body = new URLSearchParams([...new FormData(form)].map(([name, value]) => [name, String(value)]));
    const answer = await fetch(button.formAction, { method: "POST", body, headers: { Accept: "application/x-ndjson" }, signal: mine.signal });
    if (!answer.ok || !answer.body) throw new Error(`status ${answer.status}`);
    await read(answer.body);
  } catch {
    if (running === mine) say(mine.signal.aborted ? "Cancelled. Nothing was changed." : "The server does not answer just now. Try again in a moment.");
  }
  if (running !== mine) return; // it was tried once more in the meantime
  running = undefined;
  show(false);
}

// read takes the lines of the answer as they come. It fails when the last one is missing.
async function read(body: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let ended = false;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const lines = (rest + value).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) ended = take(JSON.parse(line) as Line) || ended;
  }
  if (!ended) throw new Error("the answer ends too early");
}

function take(line: Line): boolean {
  if (line.html === undefined) {
    progress(line.done ?? 0, line.of ?? 0);
    return false;
  }
  const result = document.getElementById("past-result");
  if (result) result.innerHTML = line.html;
  const url = new URL(location.href); // a zoom into the chart of before
  url.searchParams.delete("from");
  url.searchParams.delete("to");
  history.replaceState(null, "", url);
  draw();
  return true;
}

function draw(): void {
  const place = document.getElementById("past-chart");
  const figure = place?.querySelector<HTMLElement>("[data-metric]");
  if (!place || !figure) return;
  const { marks, base = "", interval } = place.dataset;
  chart = new MetricChart(figure, figure.dataset.metric ?? "", base, Number(interval) || 0, JSON.parse(marks ?? "null") as Marks);
}

function progress(done: number, of: number): void {
  const place = document.getElementById("past-progress");
  if (!place) return;
  place.querySelector(".meter-used")?.setAttribute("width", String(of > 0 ? (100 * done) / of : 0));
  fill(place, "progress", of > 0 ? `Tried on ${done} of ${of} devices` : "Reading what is stored…");
}

function show(busy: boolean): void {
  document.getElementById("past-progress")?.toggleAttribute("hidden", !busy);
  document.getElementById("past-cancel")?.toggleAttribute("hidden", !busy);
  document.getElementById("past-result")?.toggleAttribute("hidden", busy);
}

function say(text: string): void {
  const note = document.createElement("p");
  note.className = "muted";
  note.id = "past-said";
  note.textContent = text;
  document.getElementById("past-result")?.replaceChildren(note);
}
