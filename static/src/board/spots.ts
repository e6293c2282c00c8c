// The settings of a picture: the file behind the values, and what is placed on it.
import { button, make } from "./dom";
import { input, labelled, select, type Change, type Names } from "./fields";
import type { Spot, Variable, Widget } from "./model";

export function pictureSettings(widget: Widget, names: Names, variables: Variable[], change: Change): HTMLElement[] {
  return [upload(widget, names, change), list(widget, names, variables, change)];
}

function upload(widget: Widget, names: Names, change: Change): HTMLElement {
  const file = make("input", "form-control");
  file.type = "file";
  file.accept = "image/png,image/jpeg";
  const field = labelled("Picture", file, `PNG or JPEG, at most 4 MiB and 9 million pixels.${widget.picture ? " Another file takes the place of this one." : ""}`);
  const said = make("p", "field-error");
  said.setAttribute("role", "status");
  field.append(said);
  file.addEventListener("change", () => {
    const chosen = file.files?.[0];
    if (chosen) void send(chosen, names.pictures, said, change);
  });
  return field;
}

async function send(file: File, to: string, said: HTMLElement, change: Change): Promise<void> {
  said.textContent = "Sending…";
  try {
    const answer = await fetch(to, { method: "POST", body: file, headers: { "Content-Type": file.type || "application/octet-stream", Accept: "application/json" } });
    const got = await answer.json() as { name?: string; detail?: string };
    said.textContent = answer.ok ? "" : got.detail ?? "The picture could not be kept. Try again.";
    if (got.name) change((w) => void (w.picture = got.name ?? ""));
  } catch {
    said.textContent = "The picture could not be sent: the server does not answer. Try again.";
  }
}

function list(widget: Widget, names: Names, variables: Variable[], change: Change): HTMLElement {
  const group = make("fieldset", "board-group");
  const draw = (spots: Spot[]): void => {
    const put = (next: Spot[], field = "", again = false) => {
      change((w) => void (w.spots = next), field);
      if (again) draw(next);
    };
    const rows = spots.map((one, i) => {
      const set = (part: Partial<Spot>, name: string) => {
        spots = spots.map((s, j) => (j === i ? { ...s, ...part } : s));
        for (const key of ["device", "label"] as const) if (!spots[i]?.[key]) delete spots[i]?.[key];
        put(spots, `spot ${i} ${name}`);
      };
      const row = make("div", "board-spot");
      const metric = input(one.metric, (v) => v && set({ metric: v }, "metric"), names.metrics.map((m) => m.name));
      const devices: [string, string][] = [["", "First of the selection"], ...variables.filter((v) => v.of === "device").map((v): [string, string] => [`$${v.name}`, `$${v.name}`]), ...names.devices.map((d): [string, string] => [d.id, d.name])];
      const device = select(one.device ?? "", devices, (v) => set({ device: v }, "device"));
      const label = input(one.label ?? "", (v) => set({ label: v }, "label"));
      const remove = button("Remove", () => put(spots.filter((_, j) => j !== i), "", true));
      for (const [field, name] of [[metric, "Metric"], [device, "Device"], [label, "Label"], [remove, "Remove"]] as const) field.setAttribute("aria-label", `${name} of value ${i + 1}`);
      label.placeholder = one.metric;
      row.append(metric, device, label, remove);
      return row;
    });
    const add = button("Add value", () => {
      const metric = names.metrics.find((m) => m.type === "number")?.name ?? "value";
      put([...spots, { x: 50, y: Math.min(90, 10 + 10 * (spots.length % 9)), metric }], "", true);
    });
    const help = make("p", "help", "Drag values on the picture, or go to them with Tab and use the arrow keys; Shift makes larger steps.");
    group.replaceChildren(make("legend", "", "Values on the picture"), ...rows, add, help);
  };
  draw(widget.spots ?? []);
  return group;
}
