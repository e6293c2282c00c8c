// Sites where they are: a plain graticule, no picture of the earth from somebody else's server. Devices at one site are one mark
// with the worst of their states; marks that would cover each other are one until one looks closer.
import { serverNow, short, stateOf, stateWord } from "../freshness";
import { button, make, svg } from "./dom";
import type { AnswerDevice, Stage, View } from "./model";
import { worst } from "./states";

interface Site { name: string; north: number; east: number; devices: AnswerDevice[] }
interface Look { north: number; east: number; scale: number } // scale: pixels for a degree north
interface Mark { x: number; y: number; sites: Site[] }

const apart = 44; // pixels between marks; nearer ones are one
const nearest = 200_000; // pixels for a degree: half a metre for each
const farthest = 1;
const steps = [30, 15, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001];
const between = 90; // pixels between two lines at least

export function map(stage: Stage): View {
  const surface = make("div", "w-map");
  const marks = make("ul", "w-map-marks");
  const tools = make("div", "w-map-tools");
  let devices: AnswerDevice[] = [];
  let sites: Site[] = [];
  let look: Look | undefined; // undefined shows all sites
  let left = 0;
  let drawn = "";

  surface.tabIndex = 0;
  surface.setAttribute("role", "group");
  surface.setAttribute("aria-label", `${stage.widget.title || "Map"}: arrow keys move, plus and minus zoom, 0 shows everything`);
  const named = (word: string, title: string, act: () => void) => {
    const made = button(word, act);
    made.setAttribute("aria-label", title);
    return made;
  };
  tools.append(named("+", "Zoom in", () => zoom(2)), named("−", "Zoom out", () => zoom(0.5)), named("All", "Show all sites", () => show(undefined)));
  stage.host.append(surface, tools);
  new ResizeObserver(() => draw()).observe(surface);

  const size = () => ({ w: Math.max(1, surface.clientWidth), h: Math.max(1, surface.clientHeight) });
  const here = () => look ?? all(sites, size());
  const show = (next: Look | undefined) => {
    look = next;
    draw();
  };
  const zoom = (by: number) => show({ ...here(), scale: Math.min(nearest, Math.max(farthest, here().scale * by)) });
  const pan = (dx: number, dy: number) => {
    const at = here();
    show({ ...at, east: wrap(at.east + dx / (at.scale * squeeze(at.north))), north: Math.min(89, Math.max(-89, at.north - dy / at.scale)) });
  };
  surface.addEventListener("keydown", (event) => {
    const act = { ArrowLeft: () => pan(-60, 0), ArrowRight: () => pan(60, 0), ArrowUp: () => pan(0, -60), ArrowDown: () => pan(0, 60), "+": () => zoom(2), "=": () => zoom(2), "-": () => zoom(0.5), "0": () => show(undefined) }[event.key];
    if (!act || event.target !== surface || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  });
  surface.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || (event.target as Element).closest("a, button")) return;
    let [x, y] = [event.clientX, event.clientY];
    const done = new AbortController();
    addEventListener("pointermove", (e) => {
      pan(x - e.clientX, y - e.clientY);
      [x, y] = [e.clientX, e.clientY];
    }, { signal: done.signal });
    for (const what of ["pointerup", "pointercancel"]) addEventListener(what, () => done.abort(), { signal: done.signal });
  });
  surface.addEventListener("dblclick", () => zoom(2));

  function draw(): void {
    const at = here();
    const list = cluster(sites, at, size());
    const words = list.map((m) => describe(m.sites));
    const now = JSON.stringify([at, size(), words]);
    if (now === drawn) return;
    drawn = now;
    const focused = surface.contains(document.activeElement) ? (document.activeElement as HTMLElement).dataset.key : undefined;
    marks.replaceChildren(...list.map((m, i) => markOf(m, words[i] ?? "")));
    surface.replaceChildren(graticule(at, size()), marks);
    if (sites.length === 0) surface.append(make("p", "w-map-empty muted", "No device says where it is. Give them the label location, say 52.52,13.40."));
    if (focused) surface.querySelector<HTMLElement>(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  function markOf(m: Mark, words: string): HTMLElement {
    const item = make("li");
    item.style.left = `${m.x}px`;
    item.style.top = `${m.y}px`;
    const one = m.sites[0];
    const first = one?.devices[0];
    const state = worstOf(m.sites);
    let mark: HTMLElement;
    if (m.sites.length > 1) {
      mark = button("", () => show(closer(m.sites, here(), size())), "w-map-mark");
    } else if (stage.devices && one && first) {
      const link = make("a", "w-map-mark");
      link.href = one.devices.length === 1 ? `${stage.devices}/${encodeURIComponent(first.device)}` : `${stage.devices}?q=${encodeURIComponent(one.name)}`;
      mark = link;
    } else mark = make("span", "w-map-mark");
    mark.dataset.state = state;
    mark.dataset.key = one?.name ?? "";
    mark.title = words;
    const badge = make("span", "state", m.sites.length > 1 ? `${m.sites.length} sites` : one?.name ?? "");
    badge.dataset.state = state;
    mark.append(badge, make("span", "w-map-count muted small", counted(m.sites)), make("span", "visually-hidden", words));
    item.append(mark);
    return item;
  }

  return {
    show: (answer) => {
      devices = answer.devices ?? [];
      left = answer.left ?? 0;
      sites = bySite(devices);
      draw();
    },
    add: (device, _metric, at) => {
      const one = devices.find((d) => d.device === device);
      if (one && at * 1000 > (one.at ?? 0)) one.at = at * 1000;
    },
    tick: draw,
    rows: () => [["Site", "Device", "State", "Last sent", "Degrees north", "Degrees east"], ...sites.flatMap((s) => s.devices.map((d) => [s.name, d.name, stateWord(stateIs(d)), d.at ? short(d.at / 1000) : "never", String(s.north), String(s.east)]))],
    note: () => {
      const placed = sites.reduce((n, s) => n + s.devices.length, 0);
      const missing = devices.length - placed;
      return [missing > 0 && placed > 0 ? `${missing} of ${devices.length} devices do not say where they are.` : "", left > 0 ? `${left} more are not shown.` : ""].join(" ").trim();
    },
  };
}

function stateIs(d: AnswerDevice): string {
  return d.disabled ? "disabled" : stateOf((d.at ?? 0) / 1000, d.interval ?? 0, serverNow());
}

// bySite puts a device that does not say where it is to the others of its site.
function bySite(devices: AnswerDevice[]): Site[] {
  const found = new Map<string, Site>();
  const key = (d: AnswerDevice) => d.site || d.device;
  for (const d of devices) {
    if (d.place && !found.has(key(d))) found.set(key(d), { name: d.site || d.name, north: d.place.north, east: d.place.east, devices: [] });
  }
  for (const d of devices) found.get(key(d))?.devices.push(d);
  return [...found.values()];
}

// squeeze is how much narrower a degree east is than one north; near the poles it stays within reason.
function squeeze(north: number): number {
  return Math.max(0.1, Math.cos((north * Math.PI) / 180));
}

function wrap(east: number): number {
  return ((((east + 180) % 360) + 360) % 360) - 180;
}

function all(sites: Site[], { w, h }: { w: number; h: number }): Look {
  if (sites.length === 0) return { north: 0, east: 0, scale: Math.max(farthest, Math.min(w / 360, h / 180)) };
  const [north, east] = [sites.map((s) => s.north), sites.map((s) => s.east)];
  const [low, high, west, right] = [Math.min(...north), Math.max(...north), Math.min(...east), Math.max(...east)];
  const middle = { north: (low + high) / 2, east: (west + right) / 2 };
  const scale = Math.min((w * 0.7) / Math.max(0.02, (right - west) * squeeze(middle.north)), (h * 0.6) / Math.max(0.02, high - low));
  return { ...middle, scale: Math.min(nearest, Math.max(farthest, scale)) };
}

// closer looks at the sites of a mark alone; those at the same place stay one.
function closer(sites: Site[], from: Look, size: { w: number; h: number }): Look {
  const wanted = all(sites, size);
  return { ...wanted, scale: Math.max(wanted.scale, Math.min(nearest, from.scale * 2)) };
}

function point(at: Look, s: { north: number; east: number }, { w, h }: { w: number; h: number }): { x: number; y: number } {
  return { x: w / 2 + wrap(s.east - at.east) * at.scale * squeeze(at.north), y: h / 2 - (s.north - at.north) * at.scale };
}

function cluster(sites: Site[], at: Look, size: { w: number; h: number }): Mark[] {
  const out: Mark[] = [];
  for (const s of sites) {
    const { x, y } = point(at, s, size);
    if (x < 0 || y < 0 || x > size.w || y > size.h) continue;
    const near = out.find((m) => Math.abs(m.x - x) < 2 * apart && Math.abs(m.y - y) < apart);
    if (near) near.sites.push(s);
    else out.push({ x, y, sites: [s] });
  }
  return out;
}

function worstOf(sites: Site[]): string {
  const states = sites.flatMap((s) => s.devices.map(stateIs));
  return states.sort((a, b) => (worst[a] ?? 9) - (worst[b] ?? 9))[0] ?? "never";
}

function counted(sites: Site[]): string {
  const states = sites.flatMap((s) => s.devices.map(stateIs));
  const bad = states.filter((s) => s === "silent" || s === "late").length;
  const devices = states.length === 1 ? "1 device" : `${states.length} devices`;
  return bad > 0 ? `${devices}, ${bad} not live` : devices;
}

// describe is a mark in words.
function describe(sites: Site[]): string {
  const names = sites.slice(0, 3).map((s) => s.name).join(", ") + (sites.length > 3 ? ` and ${sites.length - 3} more` : "");
  return `${names}: ${counted(sites)}, the worst is ${stateWord(worstOf(sites)).toLowerCase()}`;
}

function graticule(at: Look, { w, h }: { w: number; h: number }): SVGSVGElement {
  const root = svg("svg", { class: "w-map-lines", viewBox: `0 0 ${w} ${h}`, "aria-hidden": "true" });
  const line = (x1: number, y1: number, x2: number, y2: number) => root.append(svg("line", { x1, y1, x2, y2 }));
  const words = (x: number, y: number, text: string) => {
    const label = svg("text", { x, y });
    label.textContent = text;
    root.append(label);
  };
  const across = at.scale * squeeze(at.north);
  const step = (pixels: number) => steps.filter((s) => s * pixels >= between).at(-1) ?? 30;
  const [high, wide] = [step(at.scale), step(across)];
  for (let n = Math.ceil((at.north - h / 2 / at.scale) / high) * high; n <= at.north + h / 2 / at.scale; n += high) {
    const { y } = point(at, { north: n, east: at.east }, { w, h });
    line(0, y, w, y);
    words(4, y - 4, degrees(n, high, "N", "S"));
  }
  for (let e = Math.ceil((at.east - w / 2 / across) / wide) * wide; e <= at.east + w / 2 / across; e += wide) {
    const x = w / 2 + (e - at.east) * across;
    line(x, 0, x, h);
    words(x + 4, h - 6, degrees(wrap(e), wide, "E", "W"));
  }
  return root;
}

function degrees(value: number, step: number, positive: string, negative: string): string {
  const digits = Math.max(0, Math.ceil(-Math.log10(step)));
  const size = Math.abs(value).toFixed(digits);
  return `${size}°${Number(size) === 0 ? "" : ` ${value > 0 ? positive : negative}`}`;
}
