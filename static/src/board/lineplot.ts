// How lines are drawn: axes, bands, thresholds behind them, and what the mouse does.
import uPlot from "uplot";
import { instants, local, numbers, room as spaceOf } from "../axes";
import { alone, around, axis, colour, fallback, room, together } from "../chart";
import type { Stage } from "./model";
import type { Bucket } from "./track";

export const mostBands = 8; // with more lines each goes through its extremes instead of having a band of its own

// Drawn is one line.
export interface Drawn {
  name: string;
  unit: string;
  right: boolean;
  colour: number;
  dash: number[];
  points: Bucket[];
  gap: number;
  newest?: number; // value, which a mean is not
  before: boolean; // it is of the period before
}

export function options(stage: Stage, drawn: Drawn[], unit: { left: string; right: string }, read: (index: number | null) => string): uPlot.Options {
  const wide = drawn.length <= mostBands;
  const series: uPlot.Series[] = [{}];
  const bands: uPlot.Band[] = [];
  for (const d of drawn) {
    const line = () => colour(`--lw-series-${d.colour}`, fallback[d.colour - 1] ?? "#1d5fc4");
    const scale = d.right ? "right" : "y";
    series.push({
      scale, stroke: line, width: d.before ? 1 : 1.5, dash: d.dash, spanGaps: false, points: { filter: alone, size: 5 },
      ...(stage.widget.kind === "area" && !d.before ? { fill: () => line() + "33" } : {}),
    });
    if (!wide) continue;
    const edge = { scale, stroke: () => line() + (d.before ? "00" : "80"), width: 1, spanGaps: false, points: { show: false } };
    series.push(edge, edge);
    if (!d.before) bands.push({ series: [series.length - 1, series.length - 2], fill: () => line() + "40" });
  }
  const fixed = stage.widget;
  const range = (plot: uPlot, min: number | null, max: number | null): [number, number] => {
    const [low, high] = around(plot, min, max);
    return [fixed.min ?? (fixed.kind === "area" ? Math.min(0, low) : low), fixed.max ?? high];
  };
  const hasRight = drawn.some((d) => d.right);
  const hasLeft = drawn.some((d) => !d.right) || !hasRight;
  const named = (text: string) => (text ? { label: text, labelSize: 20, labelFont: "12px system-ui, sans-serif" } : {});
  return {
    ...room(stage.host), legend: { show: false }, tzDate: local, padding: [8, hasRight ? 0 : 12, 0, 0],
    scales: { x: { time: true }, y: { range }, right: { range } },
    axes: [
      axis({ values: instants, space: spaceOf }),
      axis({ scale: "y", show: hasLeft, size: 56, values: numbers, ...named(unit.left) }),
      axis({ scale: "right", side: 1, show: hasRight, size: 56, values: numbers, grid: { show: !hasLeft }, ...named(unit.right) }),
    ],
    series, bands,
    cursor: {
      y: false, drag: { x: true, y: false, setScale: false, dist: 8 }, sync: { key: together, scales: ["x", null] },
      bind: { dblclick: () => () => { stage.reset(); return null; } },
    },
    hooks: {
      drawClear: [(plot) => thresholds(plot, stage)],
      setCursor: [(plot) => void read(plot.cursor.idx ?? null)],
      setSelect: [(plot) => select(plot, stage)],
    },
  };
}

function select(plot: uPlot, stage: Stage): void {
  const { left, width } = plot.select;
  if (width < 8) return;
  const [from, to] = [plot.posToVal(left, "x") * 1000, plot.posToVal(left + width, "x") * 1000];
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  stage.zoom(Math.floor(from), Math.ceil(to));
}

const levels: Record<string, string> = { good: "--lw-live", warning: "--lw-late", critical: "--lw-silent" };

// thresholds are drawn behind the lines: a tint from each to the next, and its word at its line.
function thresholds(plot: uPlot, stage: Stage): void {
  const steps = stage.widget.thresholds ?? [];
  const { left, top, width, height } = plot.bbox;
  const y = (value: number) => Math.min(top + height, Math.max(top, plot.valToPos(value, "y", true)));
  plot.ctx.save();
  steps.forEach((step, i) => {
    const tint = colour(levels[step.level] ?? "", "#888888");
    const [bottom, above] = [y(step.from), steps[i + 1] ? y(steps[i + 1]?.from ?? 0) : top];
    plot.ctx.fillStyle = tint + "14";
    plot.ctx.fillRect(left, above, width, bottom - above);
    if (bottom - above < 4) return;
    plot.ctx.fillStyle = tint;
    plot.ctx.fillRect(left, bottom - 1, width, 1);
    plot.ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
    plot.ctx.textAlign = "right";
    if (bottom - above > 16 * devicePixelRatio) plot.ctx.fillText(step.word, left + width - 4, bottom - 4);
  });
  plot.ctx.restore();
}
