// Moving and sizing with the mouse or a finger.
import type { Place } from "./model";

// drag follows the pointer from a title (moves) or a corner (sizes) until it is let go.
export function drag(event: PointerEvent, root: HTMLElement, from: Place, put: (at: Place) => void): void {
  const target = event.target as HTMLElement;
  const corner = target.classList.contains("w-corner");
  if (event.button !== 0 || (!corner && !target.closest(".w-head")) || target.closest("summary, button, a")) return;
  event.preventDefault();
  const card = target.closest<HTMLElement>(".w");
  card?.focus();
  const start = { ...from };
  const cell = cellOf(root);
  const move = (e: PointerEvent) => {
    const [dx, dy] = [Math.round((e.clientX - event.clientX) / cell.w), Math.round((e.clientY - event.clientY) / cell.h)];
    put(corner ? { ...start, w: start.w + dx, h: start.h + dy } : { ...start, x: start.x + dx, y: start.y + dy });
  };
  const done = new AbortController();
  card?.classList.add("held");
  const end = () => {
    done.abort();
    card?.classList.remove("held");
  };
  addEventListener("pointermove", move, { signal: done.signal });
  for (const what of ["pointerup", "pointercancel"]) addEventListener(what, end, { signal: done.signal });
}

function cellOf(root: HTMLElement): { w: number; h: number } {
  const style = getComputedStyle(root);
  const gap = parseFloat(style.columnGap) || 0;
  return { w: (root.clientWidth + gap) / 12, h: parseFloat(style.gridAutoRows) + gap };
}
