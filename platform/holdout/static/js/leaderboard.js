// The leaderboard page: the board, its stream, the last bests, the chart, the search box.
import { announcer } from "./announce.js";
import { Board } from "./board.js";
import { drawChart } from "./chart.js";
import { CostChart } from "./cost.js";
import { connect } from "./hub.js";
import { showState } from "./live.js";
import { Moves } from "./moves.js";
import { drawPager } from "./pager.js";
import { ordinal } from "./ranking.js";
import { searchRows } from "./search.js";
import { gathering, sparing } from "./pace.js";
import { Worth } from "./worth.js";

const REFETCH = 2500; // milliseconds, and up to as many more, so that a room does not ask at once
const CHART = 1000;
const AGE = 60_000;

const find = (name) => document.querySelector(`[data-${name}]`);
const wrap = find("board");
const head = find("challenge");
const board = new Board(wrap);
const announce = announcer(find("announce"), board.you);
const moves = find("moves") && new Moves(find("moves"));
const search = searchRows(find("toolbar"), board);
const chart = find("score-chart");
const costs = find("cost-chart") && new CostChart(find("cost-chart"), {
  direction: board.direction, decimals: Number(wrap.dataset.decimals), you: board.you,
});
const worth = new Worth(find("worth"), board);

// --- what follows from the board -----------------------------------------------------------------

function sentence({ row, before, after, isNew }) {
  const who = row.team_id === board.you ? "Your team" : row.team;
  if (board.isHidden) return `${who} has ${row.entries} valid entries.`;
  if (row.is_baseline) return `The baseline ${who} scores ${row.score}.`;
  if (isNew) return `${who} enters the board, ${ordinal(after)}, with ${row.score}.`;
  if (before === after) return `${who} stays ${ordinal(after)} with ${row.score}.`;
  return `${who} now stands ${ordinal(after)} with ${row.score}.`;
}

function showWords() {
  if (board.words === undefined) return; // as the server wrote them
  for (const each of document.querySelectorAll("[data-noise]:not([data-board])")) each.textContent = board.words;
  const note = find("noise-note");
  if (note) note.hidden = !board.words;
  if (note && board.words) note.closest("[data-worth]").hidden = false;
  find("zone-note").hidden = !board.hasZone;
}

function showEverything() {
  find("team-count").textContent = board.teams.toLocaleString("en");
  find("board-empty").hidden = board.rows.size > 0 || !board.isWhole;
  drawPager(find("pager"), board.page, board.pages);
  if (!board.isHidden) {
    showWords();
    worth.follow();
  }
  search();
  paintChart();
  if (costs) refreshCosts();
}

function report(changes) {
  for (const change of changes) {
    if (!change.isBetter && !board.isHidden) continue;
    if (change.isBetter) moves?.add(change);
    announce(change.row.team_id, sentence(change));
  }
}

const seconds = (iso) => (iso ? Date.parse(iso) / 1000 : null);

const paintChart = sparing(CHART, () => {
  if (!chart) return;
  const { closes_at: closes } = JSON.parse(head.dataset.clock);
  const to = seconds(closes);
  const until = board.until();
  const isNear = to !== null && to - board.from <= 86_400;
  drawChart(chart, {
    teams: board.shown,
    you: board.you,
    direction: board.direction,
    decimals: Number(wrap.dataset.decimals),
    from: board.from,
    to: isNear ? Math.max(to, until) : until,
    now: until,
    freeze: Number(wrap.dataset.frozen) || undefined,
  });
});

// What models cost stands in the API's rows alone: files of predictions have none.
async function showCosts() {
  const response = await fetch(address(), { cache: "no-cache" });
  if (response.ok) costs.show((await response.json()).rows);
}

const refreshCosts = sparing(REFETCH, () => showCosts().catch(() => {}), true);

// --- fetching --------------------------------------------------------------------------------------

let etag = "";

function address() {
  const { api, group, search: name } = wrap.dataset;
  const query = new URLSearchParams({ page: board.page });
  if (group) query.set("group", group);
  if (name) query.set("search", name);
  return `${api}?${query}`;
}

// The final board is another page. It is there from one moment to the next, for everybody at once.
async function isPublished() {
  if (find("board-switch") || JSON.parse(head.dataset.clock).phase !== "revealed") return false;
  const response = await fetch(`${head.dataset.api}`, { headers: { Accept: "application/json" }, cache: "no-store" });
  return response.ok && Boolean((await response.json()).published_at);
}

async function fetchBoard() {
  const headers = etag ? { "If-None-Match": etag } : {};
  const response = await fetch(address(), { headers, cache: "no-store" });
  if (response.status === 304) return;
  if (!response.ok) throw new Error(`the leaderboard answers ${response.status}`);
  etag = response.headers.get("ETag") ?? "";
  const fresh = await response.json();
  // A board that hides its scores has other columns than one that shows them.
  if ((fresh.feedback === "hidden") !== board.isHidden) {
    location.reload();
    return;
  }
  // Oldest first, so that the newest ends on top of the list.
  report(board.replace(fresh).sort((a, b) => Date.parse(a.row.reached_at) - Date.parse(b.row.reached_at)));
  showEverything();
}

async function fetchAll() {
  if (await isPublished()) location.reload();
  else await fetchBoard();
}

const refetch = sparing(REFETCH, () => fetchBoard().catch(() => {}), true);

// --- news ------------------------------------------------------------------------------------------

// In their order: places gained were counted on the board of that moment.
const take = gathering((events, isRush) => {
  let changed = [];
  const apply = () => {
    if (changed.length) report(board.apply(changed, isRush));
    changed = [];
  };
  for (const { row, version, ...statistics } of events) {
    if (row) changed.push({ version, row });
    else {
      apply();
      board.learn({ version, ...statistics });
    }
  }
  apply();
  showEverything();
  // How many stand before one's own row on another page is known to the server alone.
  if (board.pinned) refetch();
});

connect({
  url: head.dataset.live,
  cursor: head.dataset.cursor,
  on: {
    board: (event) => (board.ranksItself ? take(event) : refetch()),
    statistics: (event) => {
      take(event);
      worth.learn();
    },
    clock: (clock) => {
      head.dataset.clock = JSON.stringify(clock);
      refetch();
    },
    reset: fetchAll,
    state: (state) => showState(find("live-state"), state),
  },
  poll: fetchBoard,
});

paintChart();
if (costs) showCosts().catch(() => {});
setInterval(() => {
  board.age();
  paintChart();
}, AGE);
