/**
 * What a message of a running sampler says, in one line.
 *
 * @typedef {object} TraceMessage
 * @property {string} node id of the node that samples, with those of the subgraphs around it before colons
 * @property {number} step step just done, from 1
 * @property {number} steps steps of the schedule
 * @property {number} sigma noise level the step started at
 * @property {number | null} cfg guidance scale in force, 1 is off
 * @property {number | null} change relative change of the predicted clean image, where it is known already
 * @property {number | null} seconds_left estimated seconds until the run ends
 */

/**
 * @param {TraceMessage} message
 * @returns {string}
 */
export function describeProgress(message) {
  const parts = [`step ${message.step} of ${message.steps}`, `σ ${round(message.sigma)}`];
  if (message.cfg !== null) parts.push(message.cfg === 1 ? "no guidance" : `cfg ${round(message.cfg)}`);
  if (message.change !== null) parts.push(`change ${(message.change * 100).toFixed(1)} %`);
  if (message.seconds_left !== null) parts.push(`${message.seconds_left.toFixed(1)} s left`);
  return parts.join(" · ");
}

/** @param {number} value */
function round(value) {
  return String(Number(value.toPrecision(3)));
}
