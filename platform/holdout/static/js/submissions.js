// The log: pills, scores and errors move as they are told.
import { announcer } from "./announce.js";
import { connect } from "./live.js";
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
  const name = row.querySelector("a").textContent;
  announce(id, status === "scored" ? `${name} scores ${score}.` : `${name}: ${error}`);
}

const isWaiting = () => log.querySelector(".status-queued, .status-running") !== null;

connect({
  url: log.dataset.live,
  cursor: log.dataset.cursor,
  on: {
    submission: show,
    reset: () => {
      if (isWaiting()) location.reload();
    },
  },
});
