"use strict";
(function () {
  const { charts, themes } = JSON.parse(document.getElementById("data").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const config = { displayModeBar: false, scrollZoom: false, doubleClick: false };
  function draw() {
    const theme = dark.matches ? themes.dark : themes.light;
    for (const [id, chart] of Object.entries(charts)) {
      const place = document.getElementById("chart-" + id);
      place.style.height = chart.layout.height + "px";
      // A copy: Plotly writes into what it is given.
      const { data, layout, colours } = JSON.parse(JSON.stringify(chart));
      const colorway = colours.map((place) => theme.series[place]);
      Plotly.react(place, data, { ...layout, template: theme.template, colorway }, config);
    }
  }
  dark.addEventListener("change", draw);
  draw();
  // A card changes its width with the columns of the page, not only with the window.
  const widths = new ResizeObserver((changes) => {
    for (const { target } of changes) Plotly.Plots.resize(target);
  });
  for (const id of Object.keys(charts)) widths.observe(document.getElementById("chart-" + id));
})();
