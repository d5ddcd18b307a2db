"use strict";
(function () {
  const { charts, subjects, themes } = JSON.parse(document.getElementById("data").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const config = { displayModeBar: false, scrollZoom: false, doubleClick: false };
  const shown = { ...charts };
  // Tables are open where no script closes them: they are all that is there then.
  for (const figures of document.querySelectorAll("details")) figures.open = false;
  document.documentElement.classList.add("scripts");
  function drawChart(id) {
    const chart = shown[id];
    const place = document.getElementById("chart-" + id);
    if (!place) return;
    place.hidden = !chart;
    if (!chart) return;
    const theme = dark.matches ? themes.dark : themes.light;
    place.style.height = chart.layout.height + "px";
    // A copy: Plotly writes into what it is given.
    const { data, layout, colours } = JSON.parse(JSON.stringify(chart));
    const colorway = colours.map((colour) => theme.series[colour]);
    Plotly.react(place, data, { ...layout, template: theme.template, colorway }, config);
  }
  const draw = () => Object.keys(charts).forEach(drawChart);
  dark.addEventListener("change", draw);
  draw();
  const choice = document.getElementById("subject");
  function narrow() {
    const name = choice.value ? choice.selectedOptions[0].text + ": " : "";
    for (const [id, found] of Object.entries(subjects[choice.value])) {
      const section = document.getElementById("section-" + id);
      section.querySelector("h2").textContent = name + found.finding;
      section.querySelector(".caption").textContent = found.caption;
      // Made by the report, with every text escaped.
      const table = section.querySelector(".scroll");
      if (table) table.innerHTML = found.table;
      shown[id] = found.figure;
      drawChart(id);
    }
  }
  if (choice) {
    choice.closest(".choice").hidden = false;
    choice.addEventListener("change", narrow);
    // A browser keeps a choice when the page is loaded again.
    narrow();
  }
  // A card changes its width with the columns of the page, not only with the window.
  const widths = new ResizeObserver((changes) => {
    for (const { target } of changes) if (!target.hidden) Plotly.Plots.resize(target);
  });
  for (const id of Object.keys(charts)) widths.observe(document.getElementById("chart-" + id));
})();
