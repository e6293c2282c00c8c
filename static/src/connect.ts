// "Connect your device": what the server thinks of every attempt, as it happens, and the first values.
import { changed, fill, slot, stamp, text } from "./dom";
import { seenDevice, serverNow, setTime } from "./freshness";
import { toMs, type Attempt, type Packet } from "./frames";
import { subscribe } from "./live";
import { request } from "./request";

const mostVerdicts = 50;
const mostValues = 50;
const path = "/ingest/v1/packets";

interface Verdict {
  ok: boolean;
  status: string;
  detail: string;
  transport: string;
  at: number; // ms since 1970
}

let started = false;

// startConnect brings #connect to life; calling it again changes nothing.
export function startConnect(): void {
  const root = document.getElementById("connect");
  const device = root?.dataset.device;
  if (!root || !device || started) return;
  started = true;
  const values = new Map<string, HTMLElement>();
  const interval = Number(root.closest<HTMLElement>("[data-interval]")?.dataset.interval) || 0;
  let first = true; // the first snapshot is the past, not an answer to what is done here

  subscribe({ topic: "device", device }, (frame) => {
    const latest = frame.snapshot?.latest ?? frame.latest ?? [];
    for (const one of latest) show(values, one.metric, text(one.value));
    const packets = frame.snapshot?.packets ?? frame.packets ?? [];
    if (packets.length > 0) arrived(packets, first && frame.snapshot !== undefined);
    seenDevice(Math.max(0, ...packets.map((packet) => packet.received), ...latest.map((one) => one.received)), interval);
    for (const packet of packets) for (const [name, value] of packet.values) show(values, name, text(value));
    if (frame.skipped) state(`${frame.skipped} more packets accepted, faster than they can be listed.`);
    for (const one of frame.rejected ?? []) {
      list({ ok: false, status: "rejected", detail: one.detail, transport: "", at: toMs(one.at) });
    }
    first = false;
  });
  subscribe({ topic: "attempts", device }, (frame) => {
    for (const attempt of frame.attempts ?? []) refused(attempt);
  });
  document.getElementById("connect-test")?.addEventListener("click", () => void test(root.dataset.token ?? ""));
}

function arrived(packets: Packet[], past: boolean): void {
  for (const packet of packets.slice(-mostVerdicts)) {
    const detail = packet.values.map(([name, value]) => `${name} ${text(value)}`).join(", ");
    list({ ok: true, status: "200 accepted", detail: detail || "a packet without values", transport: "", at: toMs(packet.received) });
  }
  state(past ? "This device has sent before. Its newest packets are listed below." : "It works: the packet is stored safely.");
}

function refused(attempt: Attempt): void {
  const whose = attempt.attributed ? "" : " It came from your network address, with a token that belongs to no device.";
  list({ ok: false, status: String(attempt.status), detail: attempt.detail + whose, transport: attempt.transport, at: toMs(attempt.at) });
  state("The last attempt was refused. The reason is listed below.");
}

function list(verdict: Verdict): void {
  const place = document.getElementById("connect-verdicts");
  const row = stamp("verdict-template");
  if (!place || !row) return;
  if (told(place, verdict)) return;
  row.dataset.ok = String(verdict.ok);
  fill(row, "status", verdict.status);
  fill(row, "detail", verdict.detail);
  fill(row, "transport", verdict.transport);
  const time = slot(row, "age");
  if (time) setTime(time, verdict.at);
  place.prepend(row);
  while (place.childElementCount > mostVerdicts) place.lastElementChild?.remove();
}

// told says whether one of the newest rows says the same already: a request whose only packet is bad is both a refused
// attempt and a rejected packet. The row with the status stays.
function told(place: HTMLElement, { ok, detail }: Verdict): boolean {
  if (ok) return false;
  for (const row of [...place.children].slice(0, 3)) {
    const said = slot(row, "detail")?.textContent ?? "";
    if (!(row instanceof HTMLElement) || row.dataset.ok !== "false" || row.dataset.paired) continue;
    if (said === "" || said === detail) continue;
    if (said.includes(detail)) {
      row.dataset.paired = "true";
      return true;
    }
    if (detail.includes(said)) {
      row.remove();
      return false;
    }
  }
  return false;
}

function show(values: Map<string, HTMLElement>, name: string, value: string): void {
  let row = values.get(name);
  if (!row) {
    const fresh = values.size < mostValues ? stamp("connect-value-template") : null;
    if (!fresh) return;
    fill(fresh, "name", name);
    document.getElementById("connect-values")?.append(fresh);
    values.set(name, fresh);
    row = fresh;
  }
  const place = slot(row, "value");
  if (place && place.textContent !== value) {
    place.textContent = value;
    changed(place);
  }
}

function state(sentence: string): void {
  const place = document.getElementById("connect-state");
  if (place && place.textContent !== sentence) place.textContent = sentence;
}

// test sends one packet as the device would. A refusal that the server attributes comes back over the socket, too; what
// is said here is only what the socket cannot know: that the answer did not come at all.
async function test(token: string): Promise<void> {
  const button = document.getElementById("connect-test");
  if (button instanceof HTMLButtonElement) button.disabled = true;
  state("Sending a test packet…");
  try {
    const answer = await request(path, {
      method: "POST",
      credentials: "omit", // a device has a token and no cookies
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
      body: JSON.stringify({ values: { test: Math.round(Math.random() * 1000) / 10 } }),
    });
    if (!answer.ok) {
      const problem = (await answer.json().catch(() => ({}))) as { detail?: string };
      state(`The test packet was refused with ${answer.status}. ${problem.detail ?? ""}`.trim());
    }
  } catch {
    list({ ok: false, status: "no answer", detail: "The server did not answer in time. Check the connection and send again.", transport: "HTTP", at: serverNow() });
  } finally {
    if (button instanceof HTMLButtonElement) button.disabled = false;
  }
}
