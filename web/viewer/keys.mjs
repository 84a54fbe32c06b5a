/** The viewer's keys. They work while it has the focus. */

/** @type {Map<string, Mode>} */
const MODES = new Map([
  ["i", "single"],
  ["s", "slider"],
  ["d", "difference"],
  ["g", "grid"],
  ["p", "play"],
  ["b", "blind"],
]);

/** @param {import("./viewer.mjs").ComparisonViewer} viewer */
export function listenForKeys(viewer) {
  viewer.element.addEventListener("keydown", (event) => key(viewer, event, true));
  viewer.element.addEventListener("keyup", (event) => key(viewer, event, false));
}

/**
 * @param {import("./viewer.mjs").ComparisonViewer} viewer
 * @param {KeyboardEvent} event
 * @param {boolean} down
 */
function key(viewer, event, down) {
  const typing = event.target instanceof HTMLSelectElement || event.target instanceof HTMLInputElement;
  if (!viewer.comparison || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key !== " " && !down) return;
  if (event.target instanceof HTMLButtonElement && (event.key === " " || event.key === "Enter")) return;
  if (event.target instanceof HTMLElement && event.target.tagName === "SUMMARY") return;
  if (!act(viewer, event, down)) return;
  event.preventDefault();
  event.stopPropagation();
}

/**
 * @param {import("./viewer.mjs").ComparisonViewer} viewer
 * @param {KeyboardEvent} event
 * @param {boolean} down
 */
function act(viewer, { key, shiftKey }, down) {
  const mode = MODES.get(key.toLowerCase());
  if (key === " ") viewer.setFlicker(down);
  else if (key === "ArrowLeft" || key === "ArrowRight") viewer.step(key === "ArrowLeft" ? -1 : 1, shiftKey);
  else if (mode && viewer.offers(mode)) viewer.setMode(mode);
  else if (key === "Delete" || key === "Backspace") return true;
  else if (key === "," || key === ".") viewer.stage.slideBy(key === "," ? -5 : 5);
  else if (key === "0") viewer.stage.fit();
  else if (key === "1") viewer.stage.oneToOne();
  else if (key === "+" || key === "-") viewer.stage.zoom(key === "+" ? 1.25 : 0.8);
  else if (key.toLowerCase() === "f") viewer.fullScreen();
  else return false;
  return true;
}
