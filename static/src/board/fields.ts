// Fields of the editor: a label above, help below, completed from what exists.
import { make } from "./dom";
import type { Widget } from "./model";

export interface Names {
  metrics: { name: string; unit?: string; type: string; devices: number }[];
  devices: { id: string; name: string }[];
  sites: string[];
  profiles: string[];
  labels: Record<string, string[]>;
  pictures: string; // where a picture is sent to
}

export type Change = (edit: (w: Widget) => void, field?: string) => void;

let fields = 0; // names of inputs on this page

export function labelled(label: string, input: HTMLElement, help = ""): HTMLElement {
  const box = make("div", "field");
  input.id ||= `setting-${++fields}`;
  const text = make("label", "form-label", label);
  text.htmlFor = input.id;
  box.append(text, input);
  if (help) {
    const line = make("p", "help", help);
    line.id = `${input.id}-help`;
    input.setAttribute("aria-describedby", line.id);
    box.append(line);
  }
  return box;
}

export function input(value: string, take: (value: string) => void, options: string[] = []): HTMLInputElement {
  const element = make("input", "form-control");
  element.value = value;
  element.addEventListener("change", () => take(element.value.trim())); // not at every letter: each change asks the server
  if (options.length > 0) {
    const list = make("datalist");
    list.id = `choices-${++fields}`;
    list.append(...options.map((o) => Object.assign(make("option"), { value: o })));
    element.setAttribute("list", list.id);
    queueMicrotask(() => element.after(list));
  }
  return element;
}

export function select(value: string, options: [value: string, label: string][], take: (value: string) => void): HTMLSelectElement {
  const element = make("select", "form-select");
  element.append(...options.map(([v, text]) => Object.assign(make("option", "", text), { value: v })));
  element.value = value;
  element.addEventListener("change", () => take(element.value));
  return element;
}
