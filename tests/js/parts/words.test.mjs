import assert from "node:assert/strict";
import { test } from "node:test";
import { say, setWords, t } from "../../../web/parts/words.js";

test("without a translation, the text is English, in the form for one step or for several", () => {
  setWords({});
  const english = "Use {steps} step | Use {steps} steps";
  assert.equal(t("actions.use", english, { steps: 1 }), "Use 1 step");
  assert.equal(t("actions.use", english, { steps: 4 }), "Use 4 steps");
});

test("a translation may have one form for all, and keeps what it doesn't know", () => {
  setWords({ actions: { use: "使用 {steps} 步 {other}" } });
  assert.equal(t("actions.use", "x", { steps: 1 }), "使用 1 步 {other}");
  assert.equal(t("actions.other", "x"), "x");
  setWords({});
});

test("the server's sentences are said in the page's language, or as they came", () => {
  const message = { code: "headline.same", text: "25 steps are enough | really.", values: { steps: 25 } };
  assert.equal(say(message), "25 steps are enough / really.");
  setWords({ headline: { same: "{steps} 步就够了。" } });
  assert.equal(say(message), "25 步就够了。");
  setWords({});
});
