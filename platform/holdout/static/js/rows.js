// One row of the board: read from what the server drew, and written from what the stream tells.
import { markPath } from "./marks.js";
import { drawSpark } from "./sparkline.js";
import { showTime } from "./times.js";

const MEDALS = { 1: " rank-gold", 2: " rank-silver", 3: " rank-bronze" };
const TIED = { yes: true, no: false };

export const numberOrNull = (text) => (text === "" || text === undefined ? null : Number(text));

const pairs = (text) => {
  const numbers = text.split(" ").filter(Boolean).map(Number);
  return numbers.flatMap((each, n) => (n % 2 ? [] : [[each, numbers[n + 1]]]));
};

export function readRow(element) {
  const { team, name, value, low, high, reached, tied, then, curve } = element.dataset;
  return {
    team_id: Number(team),
    team: name,
    is_baseline: element.matches(".is-baseline"),
    score: element.querySelector(".value")?.textContent ?? "",
    value: numberOrNull(value),
    low: numberOrNull(low),
    high: numberOrNull(high),
    reached_at: reached,
    tied: TIED[tied] ?? null,
    then: numberOrNull(then),
    curve: pairs(curve),
    entries: Number(element.querySelector(".c-n").textContent),
    last_at: element.querySelector(".c-last time").dateTime,
    rank: numberOrNull(element.querySelector(".rank")?.textContent.trim().replace("–", "")),
    element,
  };
}

// Names come from strangers: they are set as text, never as HTML.
export function fillRow(row, isYou) {
  const { element } = row;
  element.dataset.team = row.team_id;
  element.dataset.name = row.team;
  element.classList.toggle("is-baseline", row.is_baseline);
  element.classList.toggle("is-you", isYou);
  element.querySelector(".avatar path").setAttribute("d", markPath(row.team));
  element.querySelector("b").textContent = row.team;
  if (isYou) addBadge(element);
  if (row.members !== undefined) {
    const small = element.querySelector("small");
    small.textContent = row.is_baseline ? "Baseline" : `${row.members} members`;
    small.hidden = !row.is_baseline && row.members < 2;
  }
  element.querySelector(".c-n").textContent = row.entries;
  showTime(element.querySelector(".c-last time"), row.last_at);
  if (row.value !== null) fillScore(row);
}

function fillScore({ element, score, low, high }) {
  element.querySelector(".value").textContent = score;
  const plusminus = element.querySelector(".plusminus");
  plusminus.hidden = low === null;
  if (low !== null) plusminus.textContent = `± ${((high - low) / 2).toFixed(3)}`;
}

function addBadge(element) {
  if (element.querySelector(".badge-you")) return;
  const badge = document.createElement("span");
  badge.className = "badge badge-you";
  badge.textContent = "You";
  element.querySelector("b").after(" ", badge);
}

export function drawRank({ element, rank }) {
  const disc = element.querySelector(".rank");
  const words = String(rank ?? "–");
  if (disc.textContent.trim() === words) return;
  disc.textContent = words;
  disc.className = `rank${rank ? (MEDALS[rank] ?? "") : " faint"}`;
  if (rank) disc.removeAttribute("aria-label");
  else disc.setAttribute("aria-label", "not ranked");
}

// `then` is the rank an hour ago: the others pass by without news of this row.
export function drawMove({ element, rank, then }) {
  const move = element.querySelector(".move");
  const places = rank && then ? then - rank : null;
  if (move.dataset.places === String(places)) return;
  move.dataset.places = places;
  move.hidden = places === null;
  move.className = `move ${places > 0 ? "move-up" : places < 0 ? "move-down" : "move-same"}`;
  const words = document.createElement("span");
  words.className = "sr";
  words.textContent = places > 0 ? "up " : places < 0 ? "down " : "no change";
  move.replaceChildren(words, places ? String(Math.abs(places)) : "");
}

export function drawDay({ element, curve, is_baseline }, from, direction, now) {
  if (!is_baseline) drawSpark(element.querySelector(".c-spark svg"), curve, from, now, direction);
}
