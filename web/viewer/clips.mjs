/** Plays the videos or sounds of two runs side by side, in step with each other. */

import { make } from "../parts/panel.js";

/** Seconds that the second clip may be ahead or behind before it is moved. */
const MOST_APART = 0.08;
const EVENTS = ["play", "pause", "seeking", "ratechange", "timeupdate"];

export class ClipPlayer {
  constructor() {
    this.element = make("div", { className: "ss-clips", hidden: true });
    this.shown = "";
    /** @type {HTMLMediaElement[]} */
    this.clips = [];
  }

  /**
   * @param {{ src: string, name: string }[]} clips one or two
   * @param {boolean} isVideo
   */
  show(clips, isVideo) {
    const wanted = JSON.stringify(clips);
    this.element.hidden = clips.length === 0;
    if (wanted === this.shown) return;
    this.shown = wanted;
    this.clips.forEach((clip) => clip.pause());
    this.clips = clips.map(({ src }) =>
      make(isVideo ? "video" : "audio", { src, controls: true, loop: true, muted: isVideo, preload: "metadata" }),
    );
    const rows = clips.map(({ name }, at) => make("figure", {}, this.clips[at], make("figcaption", {}, name)));
    this.element.replaceChildren(...rows);
    // Two sounds at once can't be told apart, so only videos play together.
    if (isVideo)
      this.clips.forEach((clip) => EVENTS.forEach((name) => clip.addEventListener(name, () => this.follow(clip))));
  }

  stop() {
    this.clips.forEach((clip) => clip.pause());
  }

  /** @param {HTMLMediaElement} leader */
  follow(leader) {
    for (const clip of this.clips) {
      if (clip === leader) continue;
      if (Math.abs(clip.currentTime - leader.currentTime) > MOST_APART) clip.currentTime = leader.currentTime;
      if (clip.playbackRate !== leader.playbackRate) clip.playbackRate = leader.playbackRate;
      if (clip.paused !== leader.paused) leader.paused ? clip.pause() : clip.play().catch(() => {});
    }
  }
}
