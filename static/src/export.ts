// A download of readings that says how far it is, can be cancelled, and goes on by itself when the connection breaks. What
// has arrived lies in the browser's own files and not in memory; where there are none, the link is an ordinary one.

const prefix = "export-";
const stale = 86_400_000; // what a page left behind a day ago, in ms
const patience = [1, 2, 4, 8, 16, 30, 30, 30, 30, 30]; // seconds between attempts that bring nothing
const newline = 10;

export function startExport(): void {
  const root = document.getElementById("export");
  const link = document.getElementById("export-file");
  if (!root || !(link instanceof HTMLAnchorElement) || !("createWritable" in (globalThis.FileSystemFileHandle?.prototype ?? {}))) return;
  void sweep();
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (!link.hasAttribute("aria-disabled")) void new Download(root, link).run();
  });
}

class Ended extends Error {}

class Download {
  private readonly status = document.getElementById("export-status");
  private readonly bar = document.getElementById("export-progress");
  private readonly cancelButton = document.getElementById("export-cancel");
  private readonly resumable: boolean;
  private readonly cancel = new AbortController();
  private rows = 0;
  private bytes = 0;
  private last = ""; // the last whole line that arrived
  private rest = new Uint8Array(0); // what came behind it
  private began = Date.now();
  private told = 0;

  constructor(private readonly root: HTMLElement, private readonly link: HTMLAnchorElement) {
    this.resumable = root.dataset.resumable === "true";
  }

  async run(): Promise<void> {
    const stop = () => this.cancel.abort();
    const stay = (event: BeforeUnloadEvent) => event.preventDefault();
    this.cancelButton?.addEventListener("click", stop);
    addEventListener("beforeunload", stay);
    this.show(true);
    const folder = await navigator.storage.getDirectory();
    const name = `${prefix}${Date.now()}`;
    try {
      const handle = await folder.getFileHandle(name, { create: true });
      const file = await handle.createWritable();
      try {
        await this.fetchAll(file);
        await file.close();
      } catch (error) {
        await file.abort();
        throw error;
      }
      this.save(await handle.getFile());
      this.say(`Done: ${this.progress()}.`);
    } catch (error) {
      await folder.removeEntry(name).catch(() => undefined);
      this.say(this.cancel.signal.aborted ? "Cancelled; nothing was kept." : error instanceof Ended ? error.message : "The file could not be kept: the browser has no room for it.");
    } finally {
      this.cancelButton?.removeEventListener("click", stop);
      removeEventListener("beforeunload", stay);
      this.show(false);
    }
  }

  // fetchAll goes on until everything is there. It gives up after some attempts in a row that brought nothing.
  private async fetchAll(file: FileSystemWritableFileStream): Promise<void> {
    for (let idle = 0; ; ) {
      const before = this.bytes;
      try {
        return await this.fetchRest(file);
      } catch (error) {
        if (error instanceof Ended || this.cancel.signal.aborted) throw error;
        if (!this.resumable) throw new Ended("The connection broke. This form of a file cannot be gone on with; begin again, or take CSV or NDJSON.");
        idle = this.bytes > before ? 0 : idle + 1;
        const seconds = patience[idle];
        if (seconds === undefined) throw new Ended("The server could not be reached for some minutes. Begin again later.");
        this.say(`${this.progress()}; the connection broke, going on in ${seconds} s`);
        await this.wait(seconds);
      }
    }
  }

  private async fetchRest(file: FileSystemWritableFileStream): Promise<void> {
    const url = new URL(this.link.href);
    if (this.last) url.searchParams.set("after", this.last);
    else if (this.bytes > 0) throw new Ended("The connection broke before a line was whole. Begin again.");
    this.rest = new Uint8Array(0);
    const answer = await fetch(url, { signal: this.cancel.signal, headers: { Accept: "*/*" } });
    if (answer.status === 429 || answer.status >= 500) throw new Error("busy");
    if (!answer.ok || !answer.body) throw new Ended(refusal(answer.status));
    const reader = answer.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      await file.write(this.resumable ? this.lines(value) : value);
      if (!this.resumable) this.bytes += value.length;
      this.tell();
    }
  }

  // lines returns what is whole of what has arrived, and keeps the rest.
  private lines(value: Uint8Array): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.rest.length + value.length);
    all.set(this.rest);
    all.set(value, this.rest.length);
    const end = all.lastIndexOf(newline);
    this.rest = all.slice(end + 1);
    if (end < 0) return new Uint8Array(0);
    const line = new TextDecoder().decode(all.subarray(all.lastIndexOf(newline, end - 1) + 1, end));
    if (!line.startsWith("device,")) this.last = line; // the titles are no row
    for (let i = all.indexOf(newline); i >= 0; i = all.indexOf(newline, i + 1)) this.rows++;
    this.bytes += end + 1;
    return all.subarray(0, end + 1);
  }

  private save(file: File): void {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(file);
    link.download = this.root.dataset.name ?? "readings";
    link.click();
  }

  private tell(): void {
    if (Date.now() - this.told < 250) return;
    this.told = Date.now();
    const share = this.share();
    if (this.bar instanceof HTMLProgressElement && share > 0) this.bar.value = share;
    const left = share > 0.01 ? ((Date.now() - this.began) / 1000) * (1 / share - 1) : 0;
    this.say(left > 5 ? `${this.progress()}, about ${duration(left)} left` : this.progress());
  }

  // share is how much has arrived, as far as the estimate holds.
  private share(): number {
    const [have, all] = this.resumable ? [this.rows, Number(this.root.dataset.rows)] : [this.bytes, Number(this.root.dataset.bytes)];
    return all > 0 ? Math.min(0.99, have / all) : 0;
  }

  private progress(): string {
    const size = this.bytes < 1e6 ? `${Math.round(this.bytes / 1000)} kB` : `${(this.bytes / 1e6).toFixed(1)} MB`;
    return this.resumable ? `${this.rows.toLocaleString("en-US")} lines, ${size}` : size;
  }

  private say(text: string): void {
    if (this.status) this.status.textContent = text;
  }

  private show(running: boolean): void {
    if (this.bar) this.bar.hidden = !running;
    if (this.cancelButton) this.cancelButton.hidden = !running;
    if (running) {
      this.link.setAttribute("aria-disabled", "true");
      this.cancelButton?.focus();
    } else this.link.removeAttribute("aria-disabled");
  }

  private async wait(seconds: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(resolve, seconds * 1000);
      this.cancel.signal.addEventListener("abort", () => {
        clearTimeout(timer);
        reject(new Error("cancelled"));
      }, { once: true });
    });
  }
}

function refusal(status: number): string {
  if (status === 401 || status === 403) return "You are signed out, or may not export any more. Sign in and begin again.";
  if (status === 404) return "A device that was named is not there any more. Choose again.";
  return "The server refused this export. Look at the form again.";
}

function duration(seconds: number): string {
  return seconds < 90 ? `${Math.round(seconds)} s` : seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

// sweep removes what earlier downloads have left. A file is needed for as long as the browser copies it.
async function sweep(): Promise<void> {
  const folder = await navigator.storage.getDirectory();
  for await (const name of (folder as unknown as { keys: () => AsyncIterable<string> }).keys()) {
    if (name.startsWith(prefix) && Date.now() - Number(name.slice(prefix.length)) > stale) await folder.removeEntry(name).catch(() => undefined);
  }
}
