// Draws the run's figures, and draws them again while the run writes.
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

function draw(chart, { data, layout }) {
  if (chart.clientWidth < 420) narrow(layout);
  Plotly.react(chart, data, layout, { responsive: true, displayModeBar: false });
}

// On a phone the names of lines stand in a row above them, and long labels are cut.
function narrow(layout) {
  const notes = layout.annotations || [];
  const ends = notes.filter((note) => note.name === "end");
  if (ends.length && ends.length < 3) {
    const rest = notes.filter((note) => note.name !== "end");
    const lift = rest.length ? 20 : 0;
    layout.annotations = [...rest, {
      text: ends.map((note) => note.text).join("   "), x: 0, y: 1, xref: "paper", yref: "paper",
      showarrow: false, xanchor: "left", yanchor: "bottom", yshift: lift,
    }];
    layout.margin = { ...layout.margin, r: 12, t: 28 + lift };
  }
  const rows = layout.yaxis?.ticktext;
  if (rows) layout.yaxis.ticktext = rows.map((row) => (row.length > 18 ? row.slice(0, 17) + "…" : row));
}

async function follow() {
  try { await look(); } catch { /* the server is away; the next look may find it */ }
  setTimeout(follow, document.hidden ? 5 * EVERY_MS : EVERY_MS);
}
follow();
