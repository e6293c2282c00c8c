// A screen that shows nothing yet: it has a code and waits until somebody enters it. Whatever fails is tried again.
import { reload, remember, remembered } from "./reload";

const again = 3000;
const sooner = 15; // seconds before a code ends another one takes its place: somebody may be typing it

const goesOn = "This page goes on by itself.";

let ends = 0; // when the code ends, by the clock that nobody sets
let asking = new AbortController(); // the question that waits; another code is asked about anew

export function startPairing(): void {
  const page = document.querySelector<HTMLElement>("[data-page=pair]");
  if (!page) return;
  const suspended = page.hasAttribute("data-suspended");
  const name = remembered();
  const before = document.getElementById("pair-before");
  if (before && name && !suspended) {
    before.textContent = `▲ This screen was “${name}”. It has been revoked and shows nothing any more.`;
    before.hidden = false;
  }
  if (!suspended) void codes();
  void wait(suspended);
}

function note(words: string): void {
  const place = document.getElementById("pair-note");
  if (place && place.textContent !== words) place.textContent = words;
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}

// codes shows a code, and another one before it ends.
async function codes(): Promise<void> {
  for (;;) {
    const place = document.getElementById("pair-code");
    if (!place) return;
    try {
      const answer = await fetch("/wall/code", { method: "POST" });
      if (!answer.ok) throw new Error(String(answer.status));
      const { code, seconds } = (await answer.json()) as { code: string; seconds: number };
      place.textContent = code;
      ends = performance.now() + seconds * 1000;
      note(goesOn);
      asking.abort();
      await pause(Math.max(again, (seconds - sooner) * 1000));
    } catch {
      if (performance.now() > ends) place.textContent = "–";
      note("▲ No answer from the server. Trying again.");
      await pause(again);
    }
  }
}

// wait asks until the screen is paired. A question is held by the server until it is, or for a while.
async function wait(suspended: boolean): Promise<void> {
  for (;;) {
    const began = performance.now();
    const mine = (asking = new AbortController());
    try {
      const answer = await fetch("/wall/wait", { cache: "no-store", signal: mine.signal });
      if (answer.ok && ((await answer.json()) as { paired: boolean }).paired) {
        if (!suspended) remember("");
        note("Paired. The page is being loaded.");
        return await reload();
      }
      if (answer.ok) note(goesOn);
    } catch {
      if (mine.signal.aborted) continue;
      note("▲ No answer from the server. Trying again.");
    }
    await pause(Math.max(250, again - (performance.now() - began)));
  }
}
