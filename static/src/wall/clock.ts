// The time of the server, in the zone of the page: this machine's own clock may be wrong.
import { serverNow } from "../freshness";
import { inZone } from "../zone";

const every = 200;

const time = new Intl.DateTimeFormat("en-GB", { ...inZone, weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });
const name = new Intl.DateTimeFormat("en-GB", { ...inZone, timeZoneName: "short" });

// moment is an instant of the server's time as the clock shows it.
export function moment(at: number): string {
  return time.format(at);
}

export function startClock(): void {
  setInterval(show, every);
  show();
}

function show(): void {
  const now = serverNow();
  put("wall-clock", time.format(now));
  put("wall-zone", name.formatToParts(now).find((part) => part.type === "timeZoneName")?.value ?? "");
}

function put(id: string, words: string): void {
  const place = document.getElementById(id);
  if (place && place.textContent !== words) place.textContent = words;
}
