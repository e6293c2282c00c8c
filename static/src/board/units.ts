// Numbers with units as a person writes them: 12,400 W is 12.4 kW. Only units that people do scale are scaled.
import { text } from "../dom";

const scalable = new Set(["W", "Wh", "VA", "var", "V", "A", "Hz", "J", "N", "Pa", "g", "m", "l", "L", "B", "b", "bit", "bit/s", "B/s", "Ω"]);
const steps: [size: number, prefix: string][] = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""], [1e-3, "m"], [1e-6, "µ"]];

export interface Scale { factor: number; unit: string }

// scaleFor picks one prefix for values up to this size, so that numbers beside each other are alike.
export function scaleFor(size: number, unit: string): Scale {
  const plain = { factor: 1, unit };
  if (!scalable.has(unit) || !(size > 0) || !Number.isFinite(size)) return plain;
  if (size >= 1 && size < 1000) return plain;
  const small = unit === "g" || unit === "m" || unit.startsWith("B") || unit.startsWith("b"); // nobody writes millibytes, and mm is a choice
  const found = steps.find(([step]) => size >= step);
  if (!found || (found[0] < 1 && small)) return plain;
  return { factor: 1 / found[0], unit: found[1] + unit };
}

// scaled is a single value in its own best unit.
export function scaled(value: number, unit: string): { number: string; unit: string } {
  const scale = scaleFor(Math.abs(value), unit);
  return { number: brief(value * scale.factor), unit: scale.unit };
}

// said is the same as one text.
export function said(value: number, unit: string): string {
  const one = scaled(value, unit);
  return one.unit ? `${one.number} ${one.unit}` : one.number;
}

// brief keeps four significant digits: what can be read while it changes.
export function brief(value: number): string {
  const size = Math.abs(value);
  if (size >= 1000 && size < 1e9) return text(Math.round(value));
  return text(Number(value.toPrecision(4)));
}
