/** Finds a step count's zone and its place on the steps band. */

export const MOST_SHOWN = 100;

/**
 * The zone of a step count; the last zone if the count is beyond all of them.
 *
 * @param {number} steps
 * @param {Zone[]} zones
 * @returns {Zone | undefined}
 */
export function zoneOf(steps, zones) {
  return zones.find(({ first, last }) => steps >= first && steps <= last) ?? zones.at(-1);
}

/**
 * The place of a count on the band, from 0 to 1. The scale is logarithmic, because at low counts each step matters
 * more.
 *
 * @param {number} steps
 */
export function placeOf(steps) {
  const most = Math.log2(MOST_SHOWN + 1);
  return Math.min(Math.max(Math.log2(Math.max(steps, 1)) / most, 0), 1);
}
