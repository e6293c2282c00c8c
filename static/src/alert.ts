// The page of one alert: the metric that decided, around the time of the alert, with the limits and the interval behind it.
import { toMs } from "./frames";
import { subscribe } from "./live";
import { MetricChart, type Marks } from "./metricchart";
import { watchRange } from "./range";

// startAlertPage brings [data-page=alert] to life.
export function startAlertPage(): void {
  const page = document.querySelector<HTMLElement>("[data-page=alert]");
  const figure = page?.querySelector<HTMLElement>("[data-metric]");
  const metric = figure?.dataset.metric;
  const device = page?.dataset.device;
  const tenant = document.body.dataset.tenant;
  if (!page || !figure || !metric || !device || !tenant) return;
  const base = `/t/${encodeURIComponent(tenant)}/devices/${encodeURIComponent(device)}/series`;
  const marks = JSON.parse(document.getElementById("charts")?.dataset.marks ?? "null") as Marks | null;
  const chart = new MetricChart(figure, metric, base, Number(page.dataset.interval) || 0, marks ?? undefined);
  subscribe({ topic: "device", device }, (frame) => {
    const content = frame.snapshot ?? frame;
    for (const packet of content.packets ?? []) {
      for (const [name, value] of packet.values) if (name === metric && typeof value === "number") chart.add(toMs(packet.at) / 1000, value);
    }
    if (frame.snapshot || frame.skipped) chart.reload();
  });
  watchRange(() => chart.reload());
  setInterval(() => {
    if (!document.hidden) chart.tick();
  }, 1000);
}
