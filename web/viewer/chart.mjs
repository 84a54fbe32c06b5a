/** Charts drawn by uPlot in the colours of the current palette. uPlot is loaded with the first chart. */

/** @type {Promise<any> | null} */
let library = null;

const load = async () => (await import("../vendor/uplot-1.6.32.mjs")).default;

/**
 * Draw a chart that fills an element and follows its size.
 *
 * @param {HTMLElement} host
 * @param {(colours: Colours) => Record<string, any>} options
 * @param {any[]} data
 * @returns {Promise<Chart>}
 */
export async function drawChart(host, options, data) {
  const UPlot = await (library ??= load());
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
 * The mouse position in a chart's own pixels, which differ from the screen's if ComfyUI's canvas is zoomed.
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
 * @param {string} label
 * @param {number} size
 * @param {string} [unit]
 * @param {Record<string, any>} [more] more of uPlot's options
 */
export function axis({ text, grid }, label, size, unit = "", more = {}) {
  const font = "12px sans-serif";
  const values = (/** @type {any} */ _, /** @type {(number | null)[]} */ at) =>
    at.map((value) => (value === null ? "" : value + unit));
  const look = { stroke: text, font, labelFont: font, grid: { stroke: grid, width: 1 }, ticks: { show: false } };
  return { ...look, label, size, values, gap: 2, labelSize: 14, labelGap: 0, ...more };
}
