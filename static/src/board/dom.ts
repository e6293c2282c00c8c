// Small makers of elements. Whatever a device or a person chose becomes text, never markup.
import { setTime } from "../freshness";

export function make<K extends keyof HTMLElementTagNameMap>(tag: K, className = "", text = ""): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

export function button(text: string, act: () => void, className = "btn btn-sm"): HTMLButtonElement {
  const element = make("button", className, text);
  element.type = "button";
  element.addEventListener("click", act);
  return element;
}

const namespace = "http://www.w3.org/2000/svg";

export function svg<K extends keyof SVGElementTagNameMap>(tag: K, attributes: Record<string, string | number>): SVGElementTagNameMap[K] {
  const element = document.createElementNS(namespace, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}

// age is the time of a value; the page's one timer keeps it true and says whether it is late.
export function age(at: number, interval: number): HTMLElement {
  const element = document.createElement("time");
  if (at <= 0) {
    element.textContent = "never";
    element.dataset.state = "never";
    return element;
  }
  return setTime(element, at, interval);
}

// moment is the time of something that happened: it grows older, and is never late.
export function moment(at: number): HTMLElement {
  return setTime(document.createElement("time"), at);
}

// table is rows of text as a table, the first being the heading.
export function table(rows: string[][], caption: string): HTMLTableElement {
  const element = make("table", "table table-sm");
  element.append(make("caption", "visually-hidden", caption));
  const head = element.createTHead().insertRow();
  for (const text of rows[0] ?? []) {
    const cell = make("th", "", text);
    cell.scope = "col";
    head.append(cell);
  }
  const body = element.createTBody();
  for (const row of rows.slice(1)) {
    const line = body.insertRow();
    for (const text of row) line.insertCell().textContent = text;
  }
  return element;
}
