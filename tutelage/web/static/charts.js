// Draws the run's figures, and draws them again while the run writes.
import { draw } from "./figure.js";

const EVERY_MS = 3000;
const page = `${location.pathname.replace(/\/$/, "")}/live`;
let stamp = "";

async function look() {
  const response = await fetch(page, { headers: { accept: "application/json", "if-none-match": stamp }, cache: "no-store" });
  if (response.status === 304 || !response.ok) return;
  stamp = response.headers.get("etag") ?? "";
  const { figures, curves } = await response.json();
  const place = document.getElementById("curves");
  // The numbers that somebody has opened stay open.
  const open = [...place.querySelectorAll("details")].map((one) => one.open);
  const template = document.createElement("template");
  template.innerHTML = curves;
  for (const chart of place.querySelectorAll(".chart")) Plotly.purge(chart);
  place.replaceChildren(...template.content.children);
  place.querySelectorAll("details").forEach((one, at) => { one.open = open[at] ?? false; });
  if (curves.trim()) document.getElementById("none")?.remove();
  for (const chart of document.querySelectorAll(".chart[data-figure]")) {
    const figure = figures[chart.dataset.figure];
    if (figure) draw(chart, figure);
  }
}

async function follow() {
  try { await look(); } catch { /* the server is away; the next look may find it */ }
  setTimeout(follow, document.hidden ? 5 * EVERY_MS : EVERY_MS);
}
follow();
