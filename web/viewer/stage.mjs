/** The viewer's stage: two images with the same zoom and pan, shown singly, with a slider, or as a difference. */

import { make, oncePerFrame } from "../parts/panel.js";
import { t } from "../parts/words.js";
import { fitted, panned, pixelScale, zoomed } from "./view_transform.mjs";

const SLIDER = "img-comparison-slider";
const HANDLE_REACH = 18;

export class Stage {
  constructor() {
    this.view = fitted();
    /** @type {Mode} */
    this.mode = "single";
    this.value = 50;
    this.gain = 4;
    this.first = this.picture();
    this.second = this.picture();
    this.missing = make(
      "div",
      { className: "ss-missing", hidden: true },
      t("stage.gone", "These images are gone, e.g. because ComfyUI was restarted. Run the node again."),
    );
    this.labels = ["left", "right"].map((side) => make("div", { className: `ss-label ss-${side}` }));
    this.slider = make(/** @type {any} */ (SLIDER), { className: "ss-slider" });
    this.flat = make("div", { className: "ss-flat" });
    this.element = make("div", { className: "ss-stage" }, this.flat, this.missing);
    this.place = oncePerFrame(() => this.placeNow());
    this.listen();
  }

  picture() {
    const picture = make("img", { className: "ss-picture", draggable: false, decoding: "async", alt: "" });
    picture.addEventListener("error", () => (this.missing.hidden = !picture.src));
    picture.addEventListener("load", () => (this.missing.hidden = true));
    return picture;
  }

  /**
   * @param {Mode} mode
   * @param {{ src: string, alt: string }} first
   * @param {{ src: string, alt: string }} second
   */
  show(mode, first, second) {
    set(this.first, first);
    if (mode === "slider" || mode === "difference") set(this.second, second);
    [first, second].forEach(({ alt }, at) => (this.labels[at].textContent = alt));
    if (mode !== this.mode || !this.first.isConnected) this.arrange(mode);
    this.place();
  }

  /** @param {Mode} mode */
  arrange(mode) {
    this.mode = mode;
    this.element.dataset.mode = mode;
    if (mode === "slider") {
      loadSlider().then(() => this.place());
      // The library shows the second slot below the first and clips the first.
      this.slider.replaceChildren(
        make("div", { slot: "first", className: "ss-layer" }, this.first),
        make("div", { slot: "second", className: "ss-layer" }, this.second),
      );
      this.slider.setAttribute("keyboard", "disabled");
      this.slider.setAttribute("value", String(this.value));
      this.element.replaceChildren(this.slider, ...this.labels, this.missing);
    } else {
      this.flat.replaceChildren(...(mode === "difference" ? [this.first, this.second] : [this.first]));
      this.element.replaceChildren(this.flat, this.missing);
    }
  }

  placeNow() {
    const { x, y, scale } = this.view;
    const transform = `translate(${x}px, ${y}px) scale(${scale})`;
    const rendering = scale > this.pixelScale() * 1.5 ? "pixelated" : "auto";
    for (const picture of [this.first, this.second]) {
      picture.style.transform = transform;
      picture.style.imageRendering = rendering;
    }
    this.flat.style.filter = this.mode === "difference" ? `brightness(${this.gain})` : "";
    // If set before the element is defined, `value` would shadow the library's own property for good.
    if (this.mode === "slider" && customElements.get(SLIDER)) /** @type {any} */ (this.slider).value = this.value;
  }

  /** The zoom of ComfyUI's canvas: CSS pixels on screen per pixel of the stage. */
  zoomOfCanvas() {
    return this.element.getBoundingClientRect().width / (this.element.offsetWidth || 1) || 1;
  }

  get size() {
    return { width: this.element.offsetWidth || 1, height: this.element.offsetHeight || 1 };
  }

  pixelScale() {
    const image = { width: this.first.naturalWidth || 1, height: this.first.naturalHeight || 1 };
    return pixelScale(image, this.size, this.zoomOfCanvas() * devicePixelRatio);
  }

  fit() {
    this.view = fitted();
    this.place();
  }

  oneToOne() {
    const { width, height } = this.size;
    this.zoom(this.pixelScale() / this.view.scale, { x: width / 2, y: height / 2 });
  }

  /**
   * @param {number} factor
   * @param {{ x: number, y: number }} [at] default: the middle
   */
  zoom(factor, at) {
    const { width, height } = this.size;
    const least = Math.min(1, this.pixelScale());
    this.view = zoomed(this.view, factor, at ?? { x: width / 2, y: height / 2 }, this.size, least);
    this.place();
  }

  /** @param {number} share in per cent of the width */
  slideBy(share) {
    this.value = Math.min(Math.max(this.value + share, 0), 100);
    this.place();
  }

  /** @param {{ clientX: number, clientY: number }} event */
  pointOf(event) {
    const shown = this.element.getBoundingClientRect();
    const zoom = this.zoomOfCanvas();
    return { x: (event.clientX - shown.left) / zoom, y: (event.clientY - shown.top) / zoom };
  }

  listen() {
    const { element } = this;
    element.addEventListener(
      "wheel",
      (event) => {
        // Like ComfyUI's own widgets, take the wheel only after the viewer was clicked.
        if (!element.closest(".ss-viewer")?.contains(document.activeElement)) return;
        event.preventDefault();
        event.stopPropagation();
        this.zoom(Math.exp(-event.deltaY / 300), this.pointOf(event));
      },
      { passive: false },
    );
    element.addEventListener("dblclick", (event) => {
      if (this.view.scale > 1) this.fit();
      else this.zoom(Math.max(this.pixelScale(), 2), this.pointOf(event));
    });
    // The library doesn't know the canvas's zoom, so we handle dragging ourselves, before it can.
    for (const name of ["mousedown", "touchstart"])
      element.addEventListener(name, (event) => event.stopPropagation(), { capture: true, passive: true });
    element.addEventListener("pointerdown", (event) => this.drag(event));
  }

  /** @param {PointerEvent} event */
  drag(event) {
    if (event.button !== 0) return;
    this.element.setPointerCapture(event.pointerId);
    const { width } = this.size;
    const start = this.pointOf(event);
    const sliding =
      this.mode === "slider" && (this.view.scale <= 1 || Math.abs(start.x - (this.value / 100) * width) < HANDLE_REACH);
    let last = start;
    const slide = (/** @type {{ x: number }} */ { x }) => (this.value = Math.min(Math.max((x / width) * 100, 0), 100));
    if (sliding) slide(start);
    const move = (/** @type {PointerEvent} */ moved) => {
      const point = this.pointOf(moved);
      if (sliding) slide(point);
      else this.view = panned(this.view, point.x - last.x, point.y - last.y, this.size);
      last = point;
      this.place();
    };
    const end = () => {
      this.element.removeEventListener("pointermove", move);
      this.element.removeEventListener("pointerup", end);
      this.element.removeEventListener("pointercancel", end);
    };
    this.element.addEventListener("pointermove", move);
    this.element.addEventListener("pointerup", end);
    this.element.addEventListener("pointercancel", end);
    this.place();
  }
}

/**
 * @param {HTMLImageElement} picture
 * @param {{ src: string, alt: string }} wanted
 */
function set(picture, { src, alt }) {
  picture.alt = alt;
  if (picture.getAttribute("src") !== src) picture.src = src;
}

/** Define the slider element, unless another pack already did: a page can define it only once. */
async function loadSlider() {
  if (!customElements.get(SLIDER)) await import("../vendor/img-comparison-slider-8.0.7.mjs");
  return customElements.whenDefined(SLIDER);
}
