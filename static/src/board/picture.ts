// A widget as a picture: its title and its chart, or the same numbers as lines of text.
import { colour } from "../chart";
import { make } from "./dom";

const width = 1000;
const lineHeight = 22;
const mostRows = 40;

export function picture(title: string, chart: HTMLCanvasElement | null, rows: string[][]): void {
  const canvas = make("canvas");
  const shown = rows.slice(0, mostRows + 1);
  const scale = chart ? width / chart.width : 1;
  canvas.width = width;
  canvas.height = 48 + (chart ? chart.height * scale : shown.length * lineHeight) + 16;
  const ink = canvas.getContext("2d");
  if (!ink) return;
  ink.fillStyle = colour("--lw-surface", "#ffffff");
  ink.fillRect(0, 0, canvas.width, canvas.height);
  ink.fillStyle = colour("--lw-text", "#17212e");
  ink.font = "600 18px system-ui, sans-serif";
  ink.fillText(title, 16, 30);
  if (chart) ink.drawImage(chart, 0, 48, width, chart.height * scale);
  else {
    const columns = Math.max(1, rows[0]?.length ?? 1);
    shown.forEach((row, i) => {
      ink.font = `${i === 0 ? "600 " : ""}14px system-ui, sans-serif`;
      row.forEach((cell, j) => ink.fillText(cell, 16 + (j * (width - 32)) / columns, 64 + i * lineHeight, (width - 32) / columns - 8));
    });
  }
  canvas.toBlob((blob) => {
    if (!blob) return;
    const link = make("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${title}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  });
}
