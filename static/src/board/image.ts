// A picture with newest values placed on it: a drawing of a plant. While the dashboard is edited the values are moved by mouse
// or by arrow keys; nothing is measured in pixels, so that they stay where they are on every screen.
import { text } from "../dom";
import { exact } from "../freshness";
import { age, make } from "./dom";
import { level, type Answer, type AnswerSeries, type Spot, type Stage, type View } from "./model";
import { said } from "./units";
import { Held } from "./values";

export function image(stage: Stage): View {
  const held = new Held();
  let places: number[] = [];
  let elements: HTMLElement[] = [];
  const frame = make("div", "w-picture");
  const sheet = make("div", "w-picture-sheet");
  frame.append(sheet);
  const name = stage.widget.picture ?? "";
  if (name && stage.pictures) {
    const picture = make("img");
    picture.alt = stage.widget.title || "Picture";
    picture.draggable = false;
    picture.addEventListener("load", () => fit(frame, sheet, picture));
    picture.addEventListener("error", () => sheet.replaceChildren(make("p", "muted", "The picture is not here. Choose one in the settings of this widget.")));
    picture.src = `${stage.pictures}/${encodeURIComponent(name)}`;
    sheet.append(picture);
    new ResizeObserver(() => fit(frame, sheet, picture)).observe(frame);
  } else sheet.append(make("p", "muted", "No picture yet. Choose one in the settings of this widget."));
  stage.host.append(frame);

  const spots = (): Spot[] => stage.widget.spots ?? [];
  const series = (i: number): AnswerSeries | undefined => held.series[places[i] ?? -1];

  function draw(): void {
    if (elements.length !== spots().length) {
      for (const element of elements) element.remove();
      elements = spots().map((_, i) => sheet.appendChild(spot(stage, i)));
    }
    spots().forEach((one, i) => write(stage, elements[i], one, series(i)));
  }

  return {
    show: (answer: Answer) => {
      held.take(answer);
      places = answer.spots ?? [];
      draw();
    },
    add: (device, metric, at, value) => held.add(device, metric, at, value),
    tick: draw,
    rows: () => [["Where", "Device", "Value", "Time"], ...spots().map((one, i) => {
      const s = series(i);
      return [one.label || one.metric, s?.name ?? "", s ? valueOf(s) : "nothing", s && s.latest.at > 0 ? exact(s.latest.at / 1000) : "never"];
    })],
    moved: draw,
  };
}

function valueOf(series: AnswerSeries): string {
  const { value } = series.latest;
  return typeof value === "number" ? said(value, series.unit ?? "") : text(value);
}

// fit gives the sheet exactly the picture's own shape, as large as there is room for: percent of it are percent of the picture.
function fit(frame: HTMLElement, sheet: HTMLElement, picture: HTMLImageElement): void {
  if (!(picture.naturalWidth > 0) || !(frame.clientHeight > 0)) return;
  const scale = Math.min(frame.clientWidth / picture.naturalWidth, frame.clientHeight / picture.naturalHeight);
  sheet.style.width = `${Math.floor(picture.naturalWidth * scale)}px`;
  sheet.style.height = `${Math.floor(picture.naturalHeight * scale)}px`;
}

// write shows what is new at a spot, and touches nothing when all is as it was: it may have the focus.
function write(stage: Stage, element: HTMLElement | undefined, one: Spot, series: AnswerSeries | undefined): void {
  if (!element) return;
  element.style.left = `${one.x}%`;
  element.style.top = `${one.y}%`;
  element.classList.toggle("w-spot-left", one.x > 70);
  const label = one.label || one.metric;
  const step = series && typeof series.latest.value === "number" ? level(stage.widget, series.latest.value) : undefined;
  const now = JSON.stringify([label, series?.latest, series?.name, step]);
  if (element.dataset.shown === now) return;
  element.dataset.shown = now;
  const value = make("span", "w-value number", series ? valueOf(series) : "–");
  const parts: HTMLElement[] = [make("span", "w-spot-name", label), value];
  if (step) {
    const word = make("span", "w-level", step.word);
    word.dataset.level = step.level;
    parts.push(word);
  }
  const when = series ? age(series.latest.at / 1000, series.interval ?? 0) : make("span", "", "nothing sent");
  when.classList.add("w-spot-age");
  element.title = series?.name ?? "";
  element.replaceChildren(...parts, when);
}

const far = 5; // percent that Shift and an arrow key move

function spot(stage: Stage, i: number): HTMLElement {
  const element = make("div", "w-spot");
  element.dataset.spot = String(i);
  const one = (): Spot | undefined => stage.widget.spots?.[i];
  element.addEventListener("focusin", () => element.classList.add("held"));
  element.addEventListener("focusout", () => element.classList.remove("held"));
  if (!stage.move) return element;
  const move = (x: number, y: number, name: string) => stage.move?.(i, tidy(x), tidy(y), name);
  element.tabIndex = 0;
  element.setAttribute("role", "group");
  element.setAttribute("aria-label", `${one()?.label || one()?.metric || "value"}: arrow keys move it on the picture`);
  element.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const at = one();
    if (!step || !at) return;
    event.preventDefault();
    event.stopPropagation();
    const by = event.shiftKey ? far : 1;
    move(at.x + (step[0] ?? 0) * by, at.y + (step[1] ?? 0) * by, `spot ${i}`);
  });
  element.addEventListener("pointerdown", (event) => {
    const box = element.parentElement?.getBoundingClientRect();
    const at = one();
    if (event.button !== 0 || !box || !at) return;
    event.preventDefault();
    element.focus();
    const name = `spot ${i} ${event.timeStamp}`;
    const from = { x: at.x, y: at.y };
    const done = new AbortController();
    const follow = (e: PointerEvent) => move(from.x + ((e.clientX - event.clientX) / box.width) * 100, from.y + ((e.clientY - event.clientY) / box.height) * 100, name);
    addEventListener("pointermove", follow, { signal: done.signal });
    for (const what of ["pointerup", "pointercancel"]) addEventListener(what, () => done.abort(), { signal: done.signal });
  });
  return element;
}

// tidy keeps a place on the picture, to a tenth of a percent.
function tidy(at: number): number {
  return Math.round(Math.min(100, Math.max(0, at)) * 10) / 10;
}
