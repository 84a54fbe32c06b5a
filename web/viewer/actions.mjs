/** The buttons below the verdict: use a step count, try another one, add a sampler. */

import { button, picker } from "../parts/controls.js";
import { make } from "../parts/panel.js";
import { t } from "../parts/words.js";

export class Actions {
  /** @param {Surroundings} surroundings */
  constructor(surroundings) {
    this.surroundings = surroundings;
    this.status = make("span", { className: "ss-said", role: "status" });
    this.copies = make("input", { type: "checkbox", checked: true });
    this.copying = make(
      "label",
      {
        className: "ss-copying",
        title: t(
          "actions.copyHelp",
          "So that the sampler makes this picture: the same sampler, scheduler, cfg and seed",
        ),
      },
      this.copies,
      t("actions.copy", "with its settings and seed"),
    );
    this.element = make("div", { className: "ss-row ss-actions" });
  }

  /** @param {string} text */
  report(text) {
    this.status.textContent = text;
    // There may be room for its beginning only.
    this.status.title = text;
  }

  /**
   * @param {Run} run the selected one
   * @param {Series} series
   */
  show(run, series) {
    const open = document.activeElement instanceof HTMLSelectElement && this.element.contains(document.activeElement);
    if (open) return;
    // A count that is not enough is only offered if the user has chosen it.
    const use = run.checkedBy || run.similarity === null ? [] : this.useElements(run.steps, series.settings);
    this.element.replaceChildren(...this.tryElements(series), ...use, this.status);
  }

  /** @param {Series} series */
  tryElements({ next }) {
    if (next === null || !this.surroundings.canTry()) return [];
    const onclick = () => {
      const done = this.surroundings.tryToo(next);
      this.report(done ? t("actions.trying", "Running {steps} steps, too.", { steps: next }) : "");
    };
    return [button({ className: "ss-primary", onclick }, t("actions.try", "Try {steps}, too", { steps: next }))];
  }

  /**
   * @param {number} steps
   * @param {RunSettings | null} settings
   */
  useElements(steps, settings) {
    const targets = this.surroundings.targets();
    const label = t("actions.use", "Use {steps} step | Use {steps} steps", { steps });
    if (!targets.length) return this.addElements(steps, settings);
    const copying = settings && targets.some(({ takes }) => takes) ? [this.copying] : [];
    const use = (/** @type {StepsTarget} */ target) => {
      const copied = target.takes && this.copies.checked ? settings : null;
      const values = { steps, name: target.name };
      if (!target.use(steps, copied)) this.report(t("actions.gone", "Can't write steps to {name} any more.", values));
      else if (copied) this.report(t("actions.wroteAll", "Written to {name}, with settings and seed.", values));
      else this.report(t("actions.wrote", "Written to {name}: {steps} steps.", values));
    };
    if (targets.length === 1) {
      const [target] = targets;
      const text = t("actions.useIn", "{use} in {name}", { use: label, name: target.name });
      return [button({ className: "ss-primary", onclick: () => use(target) }, text), ...copying];
    }
    const title = t("actions.where", "{use} in …", { use: label });
    const choose = (/** @type {number} */ at) => {
      select.selectedIndex = 0;
      if (at > 0) use(targets[at - 1]);
    };
    const select = picker(title, [title, ...targets.map(({ name }) => name)], 0, choose, false);
    return [select, ...copying];
  }

  /**
   * @param {number} steps
   * @param {RunSettings | null} settings
   */
  addElements(steps, settings) {
    if (!settings || !this.surroundings.canAddSampler()) return [];
    const onclick = () => {
      const done = this.surroundings.addSampler(steps, settings);
      if (done) this.report(t("actions.added", "A KSampler with {steps} steps was added.", { steps }));
    };
    const text = t("actions.add", "Add a sampler with {steps} step | Add a sampler with {steps} steps", { steps });
    return [button({ className: "ss-primary", onclick }, text)];
  }
}
