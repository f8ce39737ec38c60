// Vega puts each chart into a box as wide as the chart. A chart that fits its width to its box needs one as wide as the output.
const STYLE = ".jp-RenderedVegaCommon5 .vega-embed:has(> .chart-wrapper.fit-x) { display: block; }";

export const charts = {
  id: "kqlmagic-ext:charts",
  description: "Lets charts that fit their width have the width of their output.",
  autoStart: true,
  activate: () => {
    const style = document.createElement("style");
    style.textContent = STYLE;
    document.head.append(style);
  },
};
