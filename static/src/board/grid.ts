// The arithmetic of the grid: nothing overlaps, nothing leaves it.
import type { Place } from "./model";

export interface Area extends Place { id: string }

export const columns = 12;
const highest = 24;
const mostRows = 200;

// inside is the place nearest to the wanted one that lies in the grid.
export function inside(p: Place): Place {
  const w = Math.min(columns, Math.max(1, p.w));
  const h = Math.min(highest, Math.max(2, p.h));
  return { x: Math.min(columns - w, Math.max(0, p.x)), y: Math.min(mostRows - h, Math.max(0, p.y)), w, h };
}

export function overlap(a: Place, b: Place): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

// collide puts one area where it is wanted and moves those in its way down, and those in theirs.
export function collide(all: Area[], wanted: Area): Area[] {
  const placed: Area[] = [{ ...wanted, ...inside(wanted) }];
  const others = all.filter((a) => a.id !== wanted.id).sort((a, b) => a.y - b.y || a.x - b.x);
  for (const other of others) {
    const next = { ...other };
    for (let hit = placed.find((p) => overlap(p, next)); hit; hit = placed.find((p) => overlap(p, next))) next.y = hit.y + hit.h;
    placed.push(next);
  }
  return placed;
}

// freePlace is the first place from above that has room.
export function freePlace(all: Place[], w: number, h: number): Place {
  for (let y = 0; ; y++) {
    for (let x = 0; x + w <= columns; x++) {
      const place = { x, y, w, h };
      if (!all.some((a) => overlap(a, place))) return place;
    }
  }
}
