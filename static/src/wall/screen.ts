// What a screen needs that nobody touches: it stays on, shows no pointer, is read from five metres, and burns nothing in.

const pointerFor = 3000;
const shiftEvery = 120_000;
const shifts = [[0, 0], [3, 0], [3, 3], [0, 3], [-3, 3], [-3, 0], [-3, -3], [0, -3], [3, -3]] as const; // px
const usualHeight = 720; // a page this high has letters of their usual size; a higher screen has larger ones
const usualWidth = 1024;
const narrow = 720; // a phone shows the same as a list
const primary = 0.08; // of the height of the screen: the value that is meant to be read from the other end of the hall

let zoom = 1;
const ratio = devicePixelRatio;

export function unattend(): void {
  hidePointer();
  stayOn();
  shift();
  fit();
}

export function setZoom(to: number): void {
  zoom = to;
}

// fit scales everything with the screen. Charts draw as many pixels as they are scaled to.
export function fit(): void {
  const root = document.getElementById("wall-root");
  if (!root) return;
  const scale = innerWidth <= narrow ? zoom : Math.max(0.5, Math.min(innerHeight / usualHeight, innerWidth / usualWidth)) * zoom;
  const text = scale.toFixed(3);
  if (root.style.getPropertyValue("zoom") === text) return;
  root.style.setProperty("zoom", text);
  root.style.setProperty("--wall-width", `${(innerWidth / scale).toFixed(2)}px`);
  root.style.setProperty("--wall-height", `${(innerHeight / scale).toFixed(2)}px`);
  root.style.setProperty("--wall-primary", `${((primary * innerHeight) / scale).toFixed(2)}px`);
  Object.defineProperty(window, "devicePixelRatio", { value: ratio * scale, configurable: true });
}

function hidePointer(): void {
  let hide: ReturnType<typeof setTimeout> | undefined;
  const root = document.documentElement;
  const show = (): void => {
    delete root.dataset.pointer;
    clearTimeout(hide);
    hide = setTimeout(() => (root.dataset.pointer = "none"), pointerFor);
  };
  addEventListener("pointermove", show);
  show();
}

// stayOn asks for the screen to stay on whenever the page is seen; a browser that cannot do that has a setting of its own.
function stayOn(): void {
  const ask = (): void => {
    if (!document.hidden) void navigator.wakeLock?.request("screen").catch(() => undefined);
  };
  document.addEventListener("visibilitychange", ask);
  ask();
}

// shift moves everything by some pixels now and then, so that no line stays in one place for months.
function shift(): void {
  let at = 0;
  setInterval(() => {
    const [x, y] = shifts[(at = (at + 1) % shifts.length)] ?? [0, 0];
    document.getElementById("wall-root")?.style.setProperty("transform", `translate(${x}px, ${y}px)`);
  }, shiftEvery);
}
