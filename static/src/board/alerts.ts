// The open alerts of a selection, the worst first. The list is asked for again whenever an alert changes.
import { short } from "../freshness";
import { make, moment } from "./dom";
import type { AnswerAlert, Stage, View } from "./model";

export function alerts(stage: Stage): View {
  let list: AnswerAlert[] = [];
  let left = 0;
  return {
    show: (answer) => {
      list = answer.alerts ?? [];
      left = answer.left ?? 0;
      const rows = make("ul", "w-alerts");
      rows.append(...list.map((one) => row(stage, one)));
      stage.host.replaceChildren(list.length > 0 ? rows : make("p", "muted", "No alert is open for these devices."));
    },
    rows: () => [["Severity", "Rule", "Device", "Since", "State", "Message"], ...list.map((a) => [word(a.severity), a.name, a.who, short(a.from / 1000), a.state, a.message ?? ""])],
    note: () => (left > 0 ? `${left} more are open.` : ""),
  };
}

function word(severity: string): string {
  return severity.charAt(0).toUpperCase() + severity.slice(1);
}

// linked is a link beside the devices' pages; plain words where nobody follows links, on a wall.
function linked(stage: Stage, path: string, text: string): HTMLElement {
  if (!stage.devices) return make("span", "", text);
  const link = make("a", "", text);
  link.href = `${stage.devices}/${path}`;
  return link;
}

function row(stage: Stage, one: AnswerAlert): HTMLElement {
  const item = make("li");
  const severity = make("span", "severity", word(one.severity));
  severity.dataset.severity = one.severity;
  const rule = linked(stage, `../alerts/${encodeURIComponent(one.id)}`, one.name);
  rule.classList.add("w-alert-rule");
  const device = linked(stage, encodeURIComponent(one.device), one.who);
  const foot = make("span", "muted small");
  foot.append(moment(one.from / 1000), ` · ${one.state}`);
  item.append(severity, rule, device, foot);
  if (one.message) item.append(make("span", "w-alert-message small", one.message));
  return item;
}
