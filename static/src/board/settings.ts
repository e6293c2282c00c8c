// The settings of a widget: fields with a label above, completed from what the tenant's devices really send.
import { button, make } from "./dom";
import { input, labelled, select, type Change, type Names } from "./fields";
import type { Document, Threshold, Variable, Widget } from "./model";
import { pictureSettings } from "./spots";

export function settings(widget: Widget, names: Names, variables: Variable[], change: Change): HTMLElement[] {
  const out: HTMLElement[] = [make("h2", "", "Widget")];
  out.push(labelled("Title", input(widget.title ?? "", (v) => change((w) => void (w.title = v), "title"))));
  if (widget.kind === "text") {
    const area = make("textarea", "form-control");
    area.rows = 8;
    area.value = widget.text ?? "";
    area.addEventListener("input", () => change((w) => void (w.text = area.value), "text"));
    out.push(labelled("Text", area, "# heading, **strong**, *emphasis*, `code`, - list, [words](address)"));
    return out;
  }
  if (widget.kind === "alerts") return [...out, ...devices(widget, names, variables, change), atMost(widget, change)];
  if (widget.kind === "map") return [...out, ...devices(widget, names, variables, change), make("p", "help", "A device says where it is by the label location, say 52.52,13.40: degrees north and east. The others of its site are there as well.")];
  if (widget.kind === "image") return [...out, ...pictureSettings(widget, names, variables, change), ...devices(widget, names, variables, change), thresholds(widget, change)];
  out.push(metrics(widget, names, change), ...devices(widget, names, variables, change));
  if (["line", "area", "band", "gauge", "number", "bars"].includes(widget.kind)) {
    const number = (at: "min" | "max") => input(widget[at] === undefined ? "" : String(widget[at]), (v) => change((w) => {
      if (v === "" || Number.isNaN(Number(v))) delete w[at];
      else w[at] = Number(v);
    }, at));
    out.push(labelled("Scale begins at", number("min"), "Empty: the data decides."), labelled("Scale ends at", number("max")));
  }
  if (widget.kind === "bars") {
    const by: [string, string][] = [["mean", "Mean of the range"], ["max", "Largest value"], ["min", "Smallest value"], ["sum", "Sum"]];
    out.push(labelled("Bars show", select(widget.by || "mean", by, (v) => change((w) => void (w.by = v)))));
  }
  if (["line", "area", "band"].includes(widget.kind)) out.push(stateMarks(widget, change));
  out.push(atMost(widget, change), thresholds(widget, change));
  return out;
}

function atMost(widget: Widget, change: Change): HTMLElement {
  return labelled("At most", input(widget.count ? String(widget.count) : "", (v) => change((w) => {
    if (Number(v) > 0) w.count = Math.round(Number(v));
    else delete w.count;
  }, "count")), "How many lines, bars, numbers or rows. Empty: as many as usual.");
}

function stateMarks(widget: Widget, change: Change): HTMLElement {
  const label = make("label", "small");
  const box = make("input");
  box.type = "checkbox";
  box.checked = widget.states ?? false;
  box.addEventListener("change", () => change((w) => {
    if (box.checked) w.states = true;
    else delete w.states;
  }));
  label.append(box, " Mark when the devices changed their state");
  return label;
}

function metrics(widget: Widget, names: Names, change: Change): HTMLElement {
  const group = make("fieldset", "board-group");
  group.append(make("legend", "", "Metrics"));
  const draw = (list: NonNullable<Widget["metrics"]>): void => {
    const rows = [...list, { name: "" }].map((metric, i) => {
      const row = make("div", "board-metric");
      const unit = names.metrics.find((m) => m.name === metric.name)?.unit;
      const field = input(metric.name, (v) => {
        const next = list.map((m) => ({ ...m }));
        if (v === "") next.splice(i, 1);
        else next[i] = { ...next[i], name: v };
        change((w) => void (w.metrics = next), `metric ${i}`);
      }, names.metrics.map((m) => m.name));
      field.setAttribute("aria-label", metric.name ? `Metric ${i + 1}` : "Add a metric");
      field.placeholder = metric.name ? "" : "add a metric";
      field.addEventListener("change", () => draw((field.value.trim() ? replaced(list, i, field.value.trim()) : list.filter((_, j) => j !== i))));
      row.append(field, make("span", "muted small", unit ?? ""));
      if (metric.name && ["line", "area"].includes(widget.kind)) row.append(rightAxis(list, i, change));
      return row;
    });
    group.replaceChildren(make("legend", "", "Metrics"), ...rows);
  };
  draw(widget.metrics ?? []);
  return group;
}

function replaced(list: NonNullable<Widget["metrics"]>, at: number, name: string): NonNullable<Widget["metrics"]> {
  const next = list.map((m) => ({ ...m }));
  next[at] = { ...next[at], name };
  return next;
}

function rightAxis(list: NonNullable<Widget["metrics"]>, at: number, change: Change): HTMLElement {
  const label = make("label", "small");
  const box = make("input");
  box.type = "checkbox";
  box.checked = list[at]?.right ?? false;
  box.addEventListener("change", () => change((w) => {
    const mine = w.metrics?.[at];
    if (mine) mine.right = box.checked;
  }));
  label.append(box, " right axis");
  return label;
}

function devices(widget: Widget, names: Names, variables: Variable[], change: Change): HTMLElement[] {
  const chosen = widget.select ?? {};
  const of = (kind: Variable["of"]) => variables.filter((v) => v.of === kind).map((v) => `$${v.name}`);
  const put = (edit: (s: NonNullable<Widget["select"]>) => void, field: string) => change((w) => {
    w.select = { ...w.select };
    edit(w.select);
    for (const [name, value] of Object.entries(w.select)) if (!value || (Array.isArray(value) && value.length === 0)) delete w.select[name as keyof typeof w.select];
  }, field);
  const options: [string, string][] = [["", "Any device"], ...of("device").map((v): [string, string] => [v, v]), ...names.devices.map((d): [string, string] => [d.id, d.name])];
  const single = chosen.devices?.length === 1 ? chosen.devices[0] ?? "" : "";
  if ((chosen.devices?.length ?? 0) > 1) options.splice(1, 0, ["*", `${chosen.devices?.length} devices, as imported`]);
  const labels = Object.entries(chosen.labels ?? {}).map(([name, text]) => `${name}=${text}`).join(", ");
  return [
    labelled("Device", select((chosen.devices?.length ?? 0) > 1 ? "*" : single, options, (v) => v !== "*" && put((s) => void (s.devices = v ? [v] : []), "device"))),
    labelled("Site", input(chosen.site ?? "", (v) => put((s) => void (s.site = v), "site"), [...of("site"), ...names.sites]), "And everything below it. Empty: any."),
    labelled("Profile", input(chosen.profile ?? "", (v) => put((s) => void (s.profile = v), "profile"), [...of("profile"), ...names.profiles])),
    labelled("Labels", input(labels, (v) => put((s) => void (s.labels = pairs(v)), "labels"), Object.entries(names.labels).flatMap(([name, texts]) => texts.map((t) => `${name}=${t}`))), "name=value, several with commas; $variable as a value."),
  ];
}

function pairs(text: string): Record<string, string> {
  const out: Record<string, string> = {};
  for (const part of text.split(",")) {
    const [name = "", ...rest] = part.split("=");
    if (name.trim() && rest.length > 0) out[name.trim()] = rest.join("=").trim();
  }
  return out;
}

const levels: [Threshold["level"], string][] = [["good", "good"], ["warning", "warning"], ["critical", "critical"]];

function thresholds(widget: Widget, change: Change): HTMLElement {
  const group = make("fieldset", "board-group");
  const draw = (list: Threshold[]): void => {
    const put = (next: Threshold[], field = "") => change((w) => void (w.thresholds = next), field);
    const rows = list.map((step, i) => {
      const row = make("div", "board-threshold");
      const from = input(String(step.from), (v) => Number.isFinite(Number(v)) && v !== "" && put(list.map((s, j) => (j === i ? (list[i] = { ...s, from: Number(v) }) : s)), `from ${i}`));
      from.setAttribute("aria-label", `Threshold ${i + 1} begins at`);
      const level = select(step.level, levels, (v) => put(list.map((s, j) => (j === i ? (list[i] = { ...s, level: v as Threshold["level"] }) : s))));
      level.setAttribute("aria-label", `Threshold ${i + 1} means`);
      const word = input(step.word, (v) => v && put(list.map((s, j) => (j === i ? (list[i] = { ...s, word: v }) : s)), `word ${i}`));
      word.setAttribute("aria-label", `Word of threshold ${i + 1}`);
      const remove = button("Remove", () => {
        const next = list.filter((_, j) => j !== i);
        put(next);
        draw(next);
      });
      remove.setAttribute("aria-label", `Remove threshold ${i + 1}`);
      row.append(from, level, word, remove);
      return row;
    });
    const add = button("Add threshold", () => {
      const last = list.at(-1);
      const next: Threshold[] = [...list, { from: (last?.from ?? -1) + 1, level: last ? "critical" : "good", word: last ? "Too high" : "Normal" }];
      put(next);
      draw(next);
    });
    group.replaceChildren(make("legend", "", "Thresholds, from the lowest up"), ...rows, add);
  };
  draw(widget.thresholds ?? []);
  return group;
}

// variableSettings are those of the page as a whole.
export function variableSettings(doc: Document, names: Names, change: (edit: (doc: Document) => void) => void): HTMLElement[] {
  const out: HTMLElement[] = [make("h2", "", "Variables and range")];
  const ranges: [string, string][] = [["5m", "5 minutes"], ["15m", "15 minutes"], ["1h", "1 hour"], ["6h", "6 hours"], ["24h", "24 hours"], ["7d", "7 days"], ["30d", "30 days"]];
  out.push(labelled("Shown first", select(doc.range ?? "1h", ranges, (v) => change((d) => void (d.range = v)))));
  (doc.variables ?? []).forEach((v, i) => {
    const row = make("div", "board-threshold");
    row.append(make("strong", "", `$${v.name}`), make("span", "muted", v.of === "label" ? `label ${v.label}` : v.of), button("Remove", () => change((d) => void d.variables?.splice(i, 1))));
    out.push(row);
  });
  const of: [string, string][] = [["site", "Site"], ["profile", "Profile"], ["device", "Device"], ...Object.keys(names.labels).map((l): [string, string] => [`label ${l}`, `Label ${l}`])];
  const kind = select("site", of, () => undefined);
  const add = button("Add variable", () => change((d) => {
    const [type = "site", label] = kind.value.split(" ");
    const taken = new Set((d.variables ?? []).map((v) => v.name));
    const plain = (label ?? type).toLowerCase().replace(/[^a-z0-9-]/g, "-").replace(/^-+/, "") || "value";
    let name = plain;
    for (let n = 2; taken.has(name); n++) name = `${plain}-${n}`;
    d.variables = [...(d.variables ?? []), { name, of: type as Variable["of"], ...(label ? { label } : {}) }];
  }));
  out.push(labelled("A choice above the page for", kind, "A widget uses it by naming $variable in its settings. The choice appears above the page once the dashboard is saved."), add);
  return out;
}
