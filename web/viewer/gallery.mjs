/** All images of one contender side by side, with labels that can be read at any size. A click selects one. */

import { nameOfRun, similarity, timeOf } from "../compare/data.js";
import { make } from "../parts/panel.js";

/**
 * @param {Series} series
 * @param {(run: number) => { src: string, alt: string }} imageOf
 * @param {(run: number) => void} select
 */
export function gallery(series, imageOf, select) {
  const figures = series.runs.map((run, at) => {
    const spot = run.steps === series.sweetSpot && !run.checkedBy;
    const facts = [run.timing === "unknown" ? "" : timeOf(run)];
    if (run.similarity !== null) facts.push(`${similarity(run).toFixed(1)} %`);
    const caption = make(
      "figcaption",
      {},
      make("b", {}, `${spot ? "★ " : ""}${nameOfRun(run)}`),
      ` ${facts.filter(Boolean).join(" · ")}`,
    );
    const picture = make("img", { ...imageOf(at), loading: "lazy", decoding: "async", draggable: false });
    const className = spot ? "ss-cell ss-spot" : "ss-cell";
    return make("button", { type: "button", className, onclick: () => select(at) }, picture, caption);
  });
  return make("div", { className: "ss-gallery" }, ...figures);
}
