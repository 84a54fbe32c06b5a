/** Zoom and pan: a shift in the stage's pixels, and a scale, where 1 fits the stage. */

export const MOST_SCALE = 64;

/** @returns {View} */
export const fitted = () => ({ x: 0, y: 0, scale: 1 });

/**
 * Zoom by a factor, the point under the mouse staying where it is.
 *
 * @param {View} view
 * @param {number} factor
 * @param {{ x: number, y: number }} at in the stage's pixels
 * @param {Size} stage
 * @param {number} [least] smallest scale: less than 1 where the picture has fewer pixels than the stage
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
 * The scale at which one pixel of the image takes one pixel of the screen.
 *
 * @param {Size} image
 * @param {Size} stage in the stage's own pixels
 * @param {number} shown pixels of the screen that one of the stage's takes: zoom of the canvas times that of the device
 */
export function pixelScale(image, stage, shown) {
  const fit = Math.min(stage.width / image.width, stage.height / image.height);
  return 1 / (fit * shown);
}

/**
 * The pictures never leave the stage, and stand in its middle where they are smaller.
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
