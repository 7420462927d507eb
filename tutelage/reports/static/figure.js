// How every chart is drawn, in a report and in the web's pages.
export function draw(chart, { data, layout }) {
  if (chart.clientWidth < 420) narrow(layout);
  Plotly.react(chart, data, layout, { responsive: true, displayModeBar: false });
}

// On a phone the names of lines stand in a row above them, and long labels are cut.
function narrow(layout) {
  const notes = layout.annotations ?? [];
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
