/** Zoom and pan: an offset in the stage's pixels, and a scale, where 1 fits the stage. */

export const MOST_SCALE = 64;

/** @returns {View} */
export const fitted = () => ({ x: 0, y: 0, scale: 1 });

/**
 * Zoom by a factor and keep the point under the mouse in place.
 *
 * @param {View} view
 * @param {number} factor
 * @param {{ x: number, y: number }} at in the stage's pixels
 * @param {Size} stage
 * @param {number} [least] smallest scale; less than 1 if the image has fewer pixels than the stage
 * @returns {View}
 */
export function zoomed(view, factor, at, stage, least = 1) {
  const scale = Math.min(Math.max(view.scale * factor, least), MOST_SCALE);
  const ratio = scale / view.scale;
  return clamped({ scale, x: at.x - (at.x - view.x) * ratio, y: at.y - (at.y - view.y) * ratio }, stage);
}

/**
 * @param {View} view
 * @param {number} dx
 * @param {number} dy
 * @param {Size} stage
 * @returns {View}
 */
export function panned(view, dx, dy, stage) {
  return clamped({ ...view, x: view.x + dx, y: view.y + dy }, stage);
}

/**
 * The scale at which one image pixel is one screen pixel.
 *
 * @param {Size} image
 * @param {Size} stage in the stage's own pixels
 * @param {number} shown screen pixels per stage pixel: the canvas's zoom times the device pixel ratio
 */
export function pixelScale(image, stage, shown) {
  const fit = Math.min(stage.width / image.width, stage.height / image.height);
  return 1 / (fit * shown);
}

/**
 * Keep the images inside the stage, centred if they are smaller than it.
 *
 * @param {View} view
 * @param {Size} stage
 * @returns {View}
 */
function clamped({ x, y, scale }, { width, height }) {
  if (scale <= 1) return { scale, x: (width * (1 - scale)) / 2, y: (height * (1 - scale)) / 2 };
  return {
    scale,
    x: Math.min(0, Math.max(x, width * (1 - scale))),
    y: Math.min(0, Math.max(y, height * (1 - scale))),
  };
}
