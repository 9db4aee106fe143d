// One submission's own page.
import { showPill } from "./pills.js";
import { offerCancel, showRun } from "./running.js";
import { showStep } from "./steps.js";
import { showVerdict } from "./verdict.js";
import { watch } from "./watching.js";

const page = document.querySelector("[data-one]");
const card = page.querySelector("[data-run]");

function show(state) {
  showPill(page.querySelector("[data-status]"), state.status);
  showStep(page.querySelector("[data-steps]"), state.status);
  showVerdict(page.querySelector("[data-verdict]"), state);
  showRun(card, state);
}

if (!page.dataset.final) {
  const { one: id, live, cursor, api } = page.dataset;
  watch({ id, live, cursor, api, show });
  offerCancel(card, show);
}
