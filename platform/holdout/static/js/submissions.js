// The log: pills, scores and errors move as they are told.
import { announcer } from "./announce.js";
import { connect } from "./hub.js";
import { isFinal, showPill } from "./pills.js";

const log = document.querySelector("[data-log]");
const announce = announcer(log.querySelector("[data-announce]"), "");

function show({ id, status, score, error }) {
  const row = log.querySelector(`tr[data-submission="${CSS.escape(id)}"]`);
  if (!row) return;
  showPill(row.querySelector("[data-status]"), status);
  row.querySelector("[data-score]").textContent = score ?? "";
  row.querySelector("[data-error]").textContent = error;
  if (!isFinal(status)) return;
  const pick = row.querySelector("[data-pick]");
  if (pick) pick.hidden = status !== "scored";
  const name = row.querySelector("a").textContent;
  const result = score ? `scores ${score}` : "is valid";
  announce(id, status === "scored" ? `${name} ${result}.` : `${name}: ${error}`);
}

// Only what waits can have changed: a log at rest asks for nothing.
async function fetchWaiting() {
  for (const pill of log.querySelectorAll(".status-queued, .status-running")) {
    const response = await fetch(pill.closest("[data-api]").dataset.api, {
      headers: { Accept: "application/json" },
      cache: "no-store",
    });
    if (!response.ok) throw new Error(`the submission answers ${response.status}`);
    const { id, status, public_score: score, error } = await response.json();
    show({ id, status, score, error });
  }
}

connect({
  url: log.dataset.live,
  cursor: log.dataset.cursor,
  on: { submission: show, reset: fetchWaiting },
  poll: fetchWaiting,
});
