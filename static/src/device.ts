// The page of one device. It has one subscription; each part of the page takes from it what it shows.
import { stamp, fill, slot, toggle } from "./dom";
import { seenDevice } from "./freshness";
import { toMs, type Frame, type Latest, type Packet, type Value } from "./frames";
import { latestValues } from "./latest";
import { subscribe } from "./live";
import { MetricChart, type Marks } from "./metricchart";
import { packetLog } from "./packets";
import { watchRange } from "./range";
import { rejectedLog } from "./rejected";

const mostCharts = 300;
const settleAfter = 2000; // by then the store has what the socket has already

// startDevicePage brings [data-page=device] to life.
export function startDevicePage(): void {
  const page = document.querySelector<HTMLElement>("[data-page=device]");
  const device = page?.dataset.device;
  const tenant = document.body.dataset.tenant;
  if (!page || !device || !tenant) return;
  const base = `/t/${encodeURIComponent(tenant)}/devices/${encodeURIComponent(device)}/series`;
  const interval = Number(page.dataset.interval) || 0;
  const charts = chartList(base, interval);
  const values = latestValues(base, interval);
  const packets = packetLog();
  const rejected = rejectedLog();

  function value(metric: string, what: Value, at: number, more?: Latest): void {
    values.set(metric, what, at, more);
    charts.set(metric, what, at, more);
  }

  function take(list: Packet[]): void {
    for (const packet of list) {
      for (const [metric, what] of packet.values) value(metric, what, toMs(packet.at));
    }
    packets.add(list);
    seenDevice(Math.max(0, ...list.map((packet) => packet.received)), interval);
  }

  function takeLatest(list: Latest[]): void {
    for (const one of list) value(one.metric, one.value, toMs(one.at), one);
    const learned = list.map((one) => one.interval ?? 0).filter((seconds) => seconds > 0);
    seenDevice(Math.max(0, ...list.map((one) => one.received)), interval || Math.min(...learned, Infinity));
  }

  subscribe({ topic: "device", device }, (frame: Frame) => {
    const content = frame.snapshot ?? frame;
    if (content.latest) takeLatest(content.latest);
    if (content.packets) take(content.packets);
    if (content.rejected) rejected(content.rejected);
    if (frame.skipped) packets.skip(frame.skipped);
    if (frame.snapshot || frame.skipped) charts.settle(); // the line has a hole that only the store can fill
  });
  watchRange(charts.reload);
  document.body.addEventListener("htmx:afterSettle", charts.mark); // an alert has changed, or its list was asked for again
  setInterval(() => {
    if (document.hidden) return;
    charts.tick();
    values.draw();
  }, 1000);
}

interface Charts {
  set: (metric: string, value: Value, at: number, more?: Latest) => void;
  tick: () => void;
  reload: () => void;
  settle: () => void;
  mark: () => void;
}

// chartList runs #charts: the figures that are there, and one more for each number that turns up.
function chartList(base: string, interval: number): Charts {
  const list = document.getElementById("charts");
  const charts = new Map<string, MetricChart>();
  let marks = known();
  let settling: ReturnType<typeof setTimeout> | undefined;
  for (const figure of list?.querySelectorAll<HTMLElement>("[data-metric]") ?? []) adopt(figure, figure.dataset.metric ?? "");

  function adopt(figure: HTMLElement, metric: string): MetricChart {
    const chart = new MetricChart(figure, metric, base, interval);
    charts.set(metric, chart);
    const pin = slot(figure, "pin");
    if (pin instanceof HTMLAnchorElement && list?.dataset.pin) [pin.href, pin.hidden] = [list.dataset.pin + encodeURIComponent(metric), false];
    chart.mark(JSON.parse(marks) as Marks);
    return chart;
  }

  // known is when alerts of the device fired, as the page says it.
  function known(): string {
    return document.getElementById("device-alerts")?.dataset.marks ?? "{}";
  }

  function add(metric: string): MetricChart | undefined {
    const figure = charts.size < mostCharts ? stamp("chart-template") : null;
    if (!figure || !list) return undefined;
    figure.dataset.metric = metric;
    fill(figure, "name", metric);
    list.append(figure);
    toggle("charts-empty", false);
    return adopt(figure, metric);
  }

  const reload = () => {
    for (const chart of charts.values()) chart.reload();
  };
  return {
    set: (metric, value, at, more) => {
      if (typeof value === "string" || value === null || !list) return;
      const chart = charts.get(metric) ?? add(metric);
      chart?.add(at / 1000, Number(value));
      if (more || typeof value === "boolean") chart?.describe(more?.unit ?? "", interval || (more?.interval ?? 0), typeof value === "boolean");
    },
    tick: () => {
      for (const chart of charts.values()) chart.tick();
    },
    reload,
    settle: () => {
      clearTimeout(settling);
      settling = setTimeout(reload, settleAfter);
    },
    mark: () => {
      const now = known();
      if (now === marks) return;
      marks = now;
      for (const chart of charts.values()) chart.mark(JSON.parse(marks) as Marks);
    },
  };
}
