/** Where a step count lies among the zones that the server gives. */

export const MOST_SHOWN = 100;

/**
 * The zone of a step count; beyond the last one it is that one.
 *
 * @param {number} steps
 * @param {Zone[]} zones
 * @returns {Zone | undefined}
 */
export function zoneOf(steps, zones) {
  return zones.find(({ first, last }) => steps >= first && steps <= last) ?? zones.at(-1);
}

/**
 * Where a count stands on the band, from 0 to 1. Few steps are spread out, because there each one counts.
 *
 * @param {number} steps
 */
export function placeOf(steps) {
  const most = Math.log2(MOST_SHOWN + 1);
  return Math.min(Math.max(Math.log2(Math.max(steps, 1)) / most, 0), 1);
}
