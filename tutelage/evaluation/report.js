"use strict";
// Draws each chart from the numbers that stand beside it in the page.
for (const source of document.querySelectorAll("script.figure")) {
  const { data, layout } = JSON.parse(source.textContent);
  const chart = source.previousElementSibling;
  const ends = (layout.annotations || []).filter((note) => note.name === "end");
  if (chart.clientWidth < 420 && ends.length) {
    // No room beside the lines: their names stand in a row above.
    const rest = layout.annotations.filter((note) => note.name !== "end");
    const lift = rest.length ? 20 : 0;
    const text = ends.map((note) => note.text).join("   ");
    layout.annotations = [...rest, {
      text, x: 0, y: 1, xref: "paper", yref: "paper", showarrow: false,
      xanchor: "left", yanchor: "bottom", yshift: lift,
    }];
    layout.margin = { ...layout.margin, r: 12, t: 28 + lift };
  }
  chart.textContent = "";
  Plotly.newPlot(chart, data, layout, { responsive: true, displayModeBar: false });
}
