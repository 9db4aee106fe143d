// The head of every page of a challenge: its clock and its phase go on without a reload, and the
// host's announcements come in.
//
// What is so only at times stands in the page with data-when="open-ending frozen …": the words are
// those of Challenge.states in competitions/views/challenge.py. Its data-moment names the date in it.
import { connect } from "./hub.js";
import { phaseAt } from "./phases.js";
import { sparing } from "./pace.js";
import { renewSoon } from "./regions.js";
import { now, setClock, showTime, tickAll } from "./times.js";
import { announceToAll } from "./toasts.js";

const POLL = 60_000; // while the stream is away the dates may be a minute old
const OWN_PAUSE = 1000;

const head = document.querySelector("[data-challenge]");
const countdown = head.querySelector("time[data-countdown]");
let clock = JSON.parse(head.dataset.clock);
const opened = Date.parse(clock.now);
let polled = Date.now();
let shown = "";

const isPast = (iso) => Boolean(iso) && Date.parse(iso) <= now();

function stateNow() {
  const isOver = clock.phase === "paused" && isPast(clock.closes_at);
  const phase = isOver ? "closed" : phaseAt(clock, now());
  // Closed before its freeze began, a board stands still and holds nothing back.
  const { freezes_at: freezes, closes_at: closes } = clock;
  return { phase, isFrozen: phase !== "revealed" && freezes !== closes && isPast(freezes) };
}

function showMoments() {
  for (const element of document.querySelectorAll("[data-moment]")) {
    const at = clock[element.dataset.moment];
    if (at) showTime(element.querySelector("time"), at);
  }
}

function show() {
  const { phase, isFrozen } = stateNow();
  const words = [phase, `${phase}-${clock.closes_at ? "ending" : "endless"}`, isFrozen ? "frozen" : ""];
  for (const element of document.querySelectorAll("[data-when]")) {
    element.hidden = !element.dataset.when.split(" ").some((word) => words.includes(word));
  }
  showMoments();
  const word = head.querySelector("[data-phase-word]");
  word.hidden = phase === "open";
  word.textContent = phase[0].toUpperCase() + phase.slice(1);
  const towards = { upcoming: clock.opens_at, open: clock.closes_at, paused: clock.closes_at }[phase];
  countdown.hidden = !towards;
  if (towards) countdown.dateTime = towards;
  tickAll();
}

function take({ now: server, ...news }) {
  setClock(server);
  clock = news;
  watch(true);
}

// A team that was given an end of its own has another clock than everybody: its page knows it.
async function renewOwn() {
  const response = await fetch(location.href, { cache: "no-store" });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.querySelector("[data-challenge]");
  if (!response.ok || !fresh) throw new Error(`the page answers ${response.status}`);
  head.toggleAttribute("data-own-end", fresh.hasAttribute("data-own-end"));
  take(JSON.parse(fresh.dataset.clock));
}

const renewOwnSoon = sparing(OWN_PAUSE, () => renewOwn().catch(() => {}));

function hear(news) {
  if (head.hasAttribute("data-own-end")) renewOwnSoon();
  else take(news);
}

// Other limits, too, which only the server can draw.
function hearAllowance() {
  renewOwnSoon();
  renewSoon();
}

// The organiser's clock may be due before the news of it has come.
function watch(isNews = false) {
  const { phase, opens_at, closes_at, freezes_at } = clock;
  const key = JSON.stringify([stateNow(), phase, opens_at, closes_at, freezes_at]);
  const isOther = shown !== "" && key !== shown;
  if (isOther) renewSoon();
  if (!isOther && !isNews) return;
  shown = key;
  show();
}

// The clock, and what was announced while the stream was away.
async function fetchNews() {
  const response = await fetch(head.dataset.api, { headers: { Accept: "application/json" }, cache: "no-store" });
  if (!response.ok) throw new Error(`the challenge answers ${response.status}`);
  const { phase, opens_at, closes_at, freezes_at, announcements } = await response.json();
  if (head.hasAttribute("data-own-end")) {
    await renewOwn();
  } else {
    clock = { phase, opens_at, closes_at, freezes_at };
    watch(true);
  }
  announcements.filter(({ at }) => Date.parse(at) > opened).reverse().forEach(announceToAll);
}

async function poll() {
  if (Date.now() - polled < POLL) return;
  polled = Date.now();
  await fetchNews();
}

watch(true);
setInterval(watch, 1000);
connect({
  url: head.dataset.live,
  cursor: head.dataset.cursor,
  on: { clock: hear, allowance: hearAllowance, announcement: announceToAll, reset: fetchNews },
  poll,
});
