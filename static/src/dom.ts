// The few things every part of a live page does with the elements that the server rendered. Whatever comes from a device
// becomes text, never markup.
import type { Value } from "./frames";

// slot finds the part of an element that has a name.
export function slot(root: ParentNode, name: string): HTMLElement | null {
  return root.querySelector<HTMLElement>(`[data-slot="${name}"]`);
}

// fill sets the text of a part, if the element has it, and touches nothing when it is right already.
export function fill(root: ParentNode, name: string, text: string): void {
  const part = slot(root, name);
  if (part && part.textContent !== text) part.textContent = text;
}

// stamp makes an element from the one template with this id; null when the page has none.
export function stamp(template: string): HTMLElement | null {
  const source = document.getElementById(template);
  if (!(source instanceof HTMLTemplateElement)) return null;
  const root = source.content.firstElementChild?.cloneNode(true);
  return root instanceof HTMLElement ? root : null;
}

const significant = 6; // digits: enough to see a change; the server's pages write numbers the same way

// text is a value as a person reads it.
export function text(value: Value): string {
  if (typeof value !== "number") return value === null ? "–" : String(value);
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 1e-4 || size >= 1e9) return Number(value.toPrecision(significant)).toExponential().replace(/e([+-])(\d)$/, "e$10$2");
  const digits = Math.max(0, significant - 1 - Math.floor(Math.log10(size)));
  const fixed = value.toFixed(digits);
  return grouped(fixed.includes(".") ? fixed.replace(/0+$/, "").replace(/\.$/, "") : fixed);
}

// grouped separates the thousands of a decimal number.
export function grouped(decimal: string): string {
  const [whole = "", fraction] = decimal.split(".");
  const separated = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return fraction === undefined ? separated : `${separated}.${fraction}`;
}

// verbatim is a value as the device sent it: every digit, and text between quotation marks.
export function verbatim(value: Value): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

// changed marks what has changed, for a moment; the style sheet decides how gently.
export function changed(element: HTMLElement): void {
  element.setAttribute("data-changed", "");
  clearTimeout(marks.get(element));
  marks.set(element, setTimeout(() => element.removeAttribute("data-changed"), 1000));
}

const marks = new WeakMap<HTMLElement, ReturnType<typeof setTimeout>>();

// toggle shows or hides the element with this id, if the page has it.
export function toggle(id: string, shown: boolean): void {
  const element = document.getElementById(id);
  if (element) element.hidden = !shown;
}
