// The leaderboard page: the board, its stream, the feed of latest bests, the search box.
import { announcer } from "./announce.js";
import { Board } from "./board.js";
import { connect, showState } from "./live.js";
import { ordinal } from "./ranking.js";
import { searchRows } from "./search.js";
import { showTime } from "./times.js";

const FEED_LENGTH = 5;

const wrap = document.querySelector("[data-board]");
const board = new Board(wrap);
const indicator = document.querySelector("[data-live-state]");
const announce = announcer(document.querySelector("[data-announce]"), board.you);
const feed = document.querySelector("[data-feed]");
const feedTemplate = document.querySelector("[data-feed-template]");
const search = searchRows(document.querySelector("[data-search]"), board.body);

const placeOf = (row) => (row.rank ? `stands ${ordinal(row.rank)}` : "a line to beat");

function addToFeed(row) {
  document.querySelector("[data-feed-empty]")?.remove();
  const item = feedTemplate.content.firstElementChild.cloneNode(true);
  showTime(item.querySelector("time"), row.reached_at);
  item.querySelector("b").textContent = row.team;
  item.querySelector(".num").textContent = row.score;
  item.querySelector("small").textContent = placeOf(row);
  feed.prepend(item);
  while (feed.children.length > FEED_LENGTH) feed.lastElementChild.remove();
}

function sentence({ row, before, after, isNew }) {
  const who = row.team_id === board.you ? "Your team" : row.team;
  if (row.is_baseline) return `The baseline ${who} scores ${row.score}.`;
  if (isNew) return `${who} enters the board, ${ordinal(after)}, with ${row.score}.`;
  if (before === after) return `${who} stays ${ordinal(after)} with ${row.score}.`;
  return `${who} now stands ${ordinal(after)} with ${row.score}.`;
}

function report(changes) {
  for (const change of changes) {
    if (!change.isBetter) continue;
    addToFeed(change.row);
    announce(change.row.team_id, sentence(change));
  }
  document.querySelector("[data-team-count]").textContent = board.teams;
  document.querySelector("[data-board-empty]").hidden = board.rows.size > 0;
  document.querySelector("[data-zone-note]").hidden = !wrap.querySelector(".w-zone:not([hidden])");
  search();
}

let etag = "";

async function fetchBoard() {
  const headers = etag ? { "If-None-Match": etag } : {};
  const response = await fetch(wrap.dataset.api, { headers, cache: "no-store" });
  if (response.status === 304) return;
  if (!response.ok) throw new Error(`the leaderboard answers ${response.status}`);
  etag = response.headers.get("ETag") ?? "";
  const fresh = await response.json();
  // Oldest first, so that the newest ends on top of the feed.
  report(board.replace(fresh).sort((a, b) => Date.parse(a.row.reached_at) - Date.parse(b.row.reached_at)));
}

connect({
  url: wrap.dataset.live,
  cursor: wrap.dataset.cursor,
  on: {
    board: ({ version, row }) => {
      const change = board.apply(version, row);
      if (change) report([change]);
    },
    reset: fetchBoard,
    state: (state) => showState(indicator, state),
  },
  poll: fetchBoard,
});
