// Loading the page of a screen again without ending at the browser's own error page, which no script comes back from: the
// server is asked first, and again until it answers.

const again = 2000;
const spread = 1000; // all screens hear of a new version at once
const key = "longwave-wall";

let under: Promise<void> | undefined;

// reload ends with the page, as soon as the server has answered that there is one.
export function reload(): Promise<void> {
  under ??= (async () => {
    await pause(Math.random() * spread);
    while (!(await there())) await pause(again);
    location.reload();
  })();
  return under;
}

async function there(): Promise<boolean> {
  try {
    return (await fetch(location.href, { cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}

// remember keeps what the screen was called, so that a page that finds itself revoked can say who it was.
export function remember(name: string): void {
  try {
    if (name) localStorage.setItem(key, name);
    else localStorage.removeItem(key);
  } catch {
    // storage is forbidden in this browser: nothing is remembered
  }
}

export function remembered(): string {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}
