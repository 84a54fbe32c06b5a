/** Charts, drawn by uPlot in the page's own colours. The library is loaded when the first chart is drawn. */

/** @type {Promise<any> | null} */
let library = null;

const load = async () => (await import("./vendor/uplot-1.6.32.mjs")).default;

/**
 * Draw a chart that fills an element, and keep it as large as that is.
 *
 * @param {HTMLElement} host an element whose size does not hang on what stands in it
 * @param {(colours: Colours) => Record<string, any>} options uPlot's, without width and height
 * @param {any[]} data uPlot's
 * @returns {Promise<Chart>}
 */
export async function drawChart(host, options, data) {
  const UPlot = await (library ??= load());
  // A palette may be chosen at any time, so that colours are looked up at each drawing.
  const style = getComputedStyle(host);
  const colours = { text: () => style.color, grid: () => style.getPropertyValue("--ss-line") || "#8884" };
  const size = () => ({ width: Math.max(host.clientWidth, 40), height: Math.max(host.clientHeight, 30) });
  const chart = new UPlot({ ...size(), ...options(colours), legend: { show: false } }, data, host);
  const observer = new ResizeObserver(() => chart.setSize(size()));
  observer.observe(host);
  const palette = new MutationObserver(() => chart.redraw());
  palette.observe(document.documentElement, { attributes: true, attributeFilter: ["class", "style"] });
  const destroy = chart.destroy.bind(chart);
  chart.destroy = () => {
    observer.disconnect();
    palette.disconnect();
    destroy();
  };
  return chart;
}

/**
 * Where the mouse is in a chart's own pixels: the canvas of nodes is zoomed, and uPlot does not know of that.
 *
 * @param {Chart} chart
 * @param {number} left
 * @param {number} top
 * @returns {[number, number]}
 */
export function unzoomed(chart, left, top) {
  const shown = chart.over.getBoundingClientRect();
  const zoom = shown.width / (chart.over.offsetWidth || 1) || 1;
  return [left / zoom, top / zoom];
}

/**
 * @param {Colours} colours
 * @param {Record<string, any>} more
 */
export function axis({ text, grid }, more = {}) {
  return { stroke: text, font: "10px sans-serif", grid: { stroke: grid, width: 1 }, ticks: { show: false }, gap: 2, labelSize: 12, labelGap: 0, labelFont: "10px sans-serif", ...more };
}
