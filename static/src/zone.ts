// The time zone in which a page shows instants: that of whoever looks, or the one that its address names (?zone=Europe/Berlin),
// of a site say. It is the same for everything on the page, and changes with its address only.

// zone is the one that was chosen; undefined is the browser's own.
export const zone = chosen();

function chosen(): string | undefined {
  const wanted = new URLSearchParams(location.search).get("zone");
  if (!wanted) return undefined;
  try {
    return new Intl.DateTimeFormat("en-GB", { timeZone: wanted }).resolvedOptions().timeZone;
  } catch {
    return undefined; // no such zone: the browser's own is always true
  }
}

// inZone is what a format of instants needs beside its own options.
export const inZone: { timeZone?: string } = zone ? { timeZone: zone } : {};

const wall = new Intl.DateTimeFormat("sv-SE", { ...inZone, dateStyle: "short", timeStyle: "medium" });

// wallClock is an instant in ms as clocks show it there: 2026-11-20T23:10:00.
export function wallClock(at: number): string {
  return wall.format(at).replace(" ", "T");
}

// fromWallClock is the instant in ms at which clocks there show this; NaN for what is no time.
export function fromWallClock(text: string): number {
  const plain = Date.parse(`${text}Z`);
  const offset = (at: number) => Date.parse(`${wallClock(at)}Z`) - at;
  if (Number.isNaN(plain)) return NaN;
  const near = plain - offset(plain - (plain % 1000));
  return plain - offset(near - (near % 1000)); // once more, for the hours in which clocks are changed
}
