// The replay page: fetches the board's history and lets it grow while the challenge runs.
import { connect } from "./hub.js";
import { Stage } from "./stage.js";
import { now } from "./times.js";

const GROWS = 20_000; // milliseconds after which a running challenge's end moves on

const root = document.querySelector("[data-replay]");
let etag = "";
let history = null;
let stage = null;

function show() {
  if (stage) stage.renew(history);
  else stage = new Stage(root, history);
}

async function fetchHistory() {
  const headers = etag ? { "If-None-Match": etag } : {};
  const response = await fetch(root.dataset.api, { headers, cache: "no-store" });
  if (response.status === 304) return;
  if (!response.ok) throw new Error(`the history answers ${response.status}`);
  etag = response.headers.get("ETag") ?? "";
  history = await response.json();
  root.querySelector("[data-replay-waiting]").hidden = true;
  show();
}

// A changed row brings its whole curve with it.
function grow({ row: { team_id, team, group, is_baseline, curve } }) {
  if (!history || !curve) return;
  const others = history.teams.filter((each) => each.team_id !== team_id);
  history.teams = [...others, { team_id, team, group, is_baseline, curve }];
  age();
}

function age() {
  if (!history) return;
  history.now = new Date(now()).toISOString();
  show();
}

fetchHistory().catch(() => {
  root.querySelector("[data-replay-waiting]").textContent =
    "The history could not be fetched. Reload the page to try again.";
});
connect({
  url: root.dataset.live,
  cursor: root.dataset.cursor,
  on: { board: grow, reset: fetchHistory },
  poll: fetchHistory,
});
setInterval(() => { if (stage?.timeline.runs && !stage.player?.isPlaying) age(); }, GROWS);
