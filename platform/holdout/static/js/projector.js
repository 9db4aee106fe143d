// The wall of the room: the race, the clock, the last moves. Nobody touches it for hours: it connects,
// recovers and fetches anew by itself.
import { announcer } from "./announce.js";
import { Finals } from "./finals.js";
import { connect, showState } from "./live.js";
import { Moves, meaning } from "./moves.js";
import { RoomClock } from "./phases.js";
import { Race } from "./race.js";
import { furnish } from "./room.js";
import { KEPT, Standings } from "./standings.js";
import { now, setClock } from "./times.js";
import { difference } from "./ties.js";

const REFRESH = 60_000;
const AGAIN = 3000;
const STALE = 10 * 60_000;
const LONG = 160;
const READING = { least: 40_000, perLetter: 120 };

const screen = document.querySelector("[data-projector]");
const { live, board: boardAddress, challenge: challengeAddress, final: finalAddress, cursor } = screen.dataset;
const find = (name) => document.querySelector(`[data-${name}]`);

furnish();
find("live-state").hidden = false;
const standings = new Standings();
const race = new Race(find("race"));
const moves = new Moves(find("moves"));
const known = JSON.parse(find("clock").dataset.clock);
const switchedOn = Date.parse(known.now);
const clock = new RoomClock(find("clock"), known, () => standings.board && showHeading());
const announce = announcer(find("announce"), null);
const plural = (number, one, many) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

const bounds = screen.dataset.bounds.split(" ").map(Number);
let finals = null; // the final board, once everybody may see it

function counts() {
  if (finals) return plural(finals.teams, "team", "teams");
  const rows = standings.ranked.filter((row) => !row.is_baseline);
  const entries = rows.reduce((sum, row) => sum + row.entries, 0);
  const words = plural(standings.board.teams, "team", "teams");
  return standings.isWhole ? `${words}, ${plural(entries, "entry", "entries")}` : words;
}

function noiseWords({ isBand, noise }) {
  if (finals) return isBand ? "The bar on the left: tied with the winner." : "";
  if (standings.isHidden) return "Scores stay hidden until the ceremony; who sent a file first stands first.";
  const bar = isBand ? "The bar on the left: tied with the leader." : "";
  if (!noise || standings.board.teams < 2) return bar;
  return `${bar} A difference under ${difference(noise, bounds)} is noise.`.trim();
}

// Which board it is, from the moment on at which there may be two.
function showHeading() {
  const heading = find("heading");
  heading.hidden = !finals && !clock.isOver;
  heading.textContent = finals ? "Final board" : "Public board";
  find("moves-section").classList.toggle("is-past", finals !== null);
}

function draw(changes = []) {
  const shown = finals ?? standings;
  race.draw(shown, changes.map(({ row }) => row.team_id));
  find("counts").textContent = counts();
  find("noise").textContent = noiseWords(shown.ties);
  showHeading();
  // Before the first team the way in is the largest thing on the wall.
  screen.parentElement.classList.toggle("is-waiting", shown.leader === null);
  find("empty").hidden = shown.leader !== null;
  find("race").hidden = shown.ranked.length === 0;
}

function report(changes) {
  draw(changes);
  if (finals) return;
  for (const change of changes.filter(({ isBetter }) => isBetter)) {
    moves.add(change);
    const words = [change.row.team, change.row.score, meaning(change)].filter(Boolean);
    announce(change.row.team_id, `${words.join(", ")}.`);
  }
}

// --- fetching ----------------------------------------------------------------------------------

let etag = "";
let finalTag = "";

async function get(address, headers = {}) {
  const response = await fetch(address, { headers: { Accept: "application/json", ...headers }, cache: "no-store" });
  if (response.status !== 304 && !response.ok) throw new Error(`${address} answers ${response.status}`);
  return response;
}

async function fetchBoard() {
  const response = await get(`${boardAddress}?page_size=${KEPT}`, etag ? { "If-None-Match": etag } : {});
  if (response.status === 304) return;
  const fresh = await response.json();
  const isFirst = standings.board === null;
  const changes = standings.replace(fresh);
  if (isFirst) moves.begin(standings);
  report(changes);
  clock.set({ frozen_since: fresh.frozen_since ?? null });
  // Last: a board that could not be drawn is asked for again.
  etag = response.headers.get("ETag") ?? "";
}

// An organiser's browser is answered before the publication, and a wall shows it to everybody.
async function fetchFinal() {
  const response = await get(finalAddress, finalTag ? { "If-None-Match": finalTag } : {});
  if (response.status === 304) return;
  const final = await response.json();
  if (!final.published_at) return;
  finals = new Finals(final);
  if (standings.board) draw();
  finalTag = response.headers.get("ETag") ?? "";
}

function dropFinal() {
  if (!finals) return;
  [finals, finalTag] = [null, ""];
  draw();
}

async function fetchClock() {
  const { announcements, ...told } = await (await get(challengeAddress)).json();
  const { phase, opens_at, closes_at, freezes_at, published_at } = told;
  clock.set({ phase, opens_at, closes_at, freezes_at, published_at });
  if (published_at) await fetchFinal();
  else dropFinal();
  const [newest] = announcements;
  if (newest && Date.parse(newest.at) > switchedOn) showAnnouncement(newest);
}

// Both at once; what fails says so, and is asked for again by whoever called.
const fetchAll = () => Promise.all([fetchBoard(), fetchClock()]);

// --- news --------------------------------------------------------------------------------------

let silence = 0;
let announced = 0; // the newest that was shown: what the stream missed is fetched, and not twice

function showAnnouncement({ id, text, at }) {
  if (id <= announced || now() - Date.parse(at) > STALE) return;
  announced = id;
  const line = find("announcement");
  line.textContent = text;
  line.classList.toggle("is-long", text.length > LONG);
  line.hidden = false;
  clearTimeout(silence);
  silence = setTimeout(() => { line.hidden = true; }, READING.least + READING.perLetter * text.length);
}

const news = {
  board({ version, row }) {
    const change = standings.apply(version, row);
    if (change) report([change]);
  },
  statistics(statistics) {
    standings.learn(statistics);
    draw();
  },
  announcement: showAnnouncement,
  clock({ now: server, ...state }) {
    setClock(server);
    clock.set(state);
    // A board that was frozen or laid open is another board, and the event knows of no publication.
    fetchAll().catch(() => {});
  },
  async reset() {
    etag = "";
    standings.forget();
    // A rescoring moves many at once: that is nobody's last move.
    await fetchAll();
    moves.begin(standings);
  },
  state: (state) => showState(find("live-state"), state),
};

// A projector may be switched on before the site is: it asks until it is answered.
async function begin() {
  try {
    await fetchAll();
  } catch (error) {
    console.warn("The board is not there yet.", error);
    setTimeout(begin, AGAIN);
    return;
  }
  connect({ url: live, cursor, on: news, poll: fetchAll });
  // The arrows of the last hour age without any news, and a lost event is made good.
  setInterval(() => fetchAll().catch(() => {}), REFRESH);
}

begin();
