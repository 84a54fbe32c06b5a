/** Loads the translations of the page's language before any node is made. */

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { setWords } from "./words.js";

app.registerExtension({
  name: "SweetSpot.Language",

  async init() {
    try {
      const language = String(app.extensionManager.setting.get("Comfy.Locale") ?? "en");
      if (language === "en") return;
      const served = await (await api.fetchApi("/i18n")).json();
      setWords(served[language]?.sweetspot ?? served[language.split("-")[0]]?.sweetspot ?? {});
    } catch (error) {
      // Without translations, the page is English.
      console.debug("Sweet Spot: no translations:", error);
    }
  },
});
