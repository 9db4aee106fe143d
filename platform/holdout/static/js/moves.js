// "Last moves": who improved, to what, and what that means on the board.
import { ordinal } from "./ranking.js";
import { showTime } from "./times.js";

const LENGTH = 8;
const HAIR = 0.001; // seconds: the same moment, written in two ways

// What a change means, in words: after the score, where there is one.
export function meaning({ row, before, after, isNew, isShared }) {
  if (row.is_baseline) return "a line to beat";
  if (after === null) return "";
  if (after === 1 && isShared) return "shares the lead";
  if (after === 1 && before !== 1) return "takes the lead";
  if (isNew) return `enters at ${ordinal(after)}`;
  if (isShared && after !== before) return `ties for ${ordinal(after)}`;
  if (before === after) return `own best, stays ${ordinal(after)}`;
  return `now ${ordinal(after)}`;
}

// What a team's newest best was when it came, read from the curves: the words and the arrow are then
// the same for who saw it happen and for who comes later. `rows` are the rivals.
function changeOf(row, rows, sign) {
  const at = Date.parse(row.reached_at) / 1000;
  const own = (row.curve ?? []).filter(([moment]) => moment < at - HAIR).at(-1);
  const others = rows.filter((other) => other !== row);
  const valueThen = ({ curve }) => (curve ?? []).findLast(([moment]) => moment < at - HAIR)?.[1];
  const then = others.map(valueThen).filter((value) => value !== undefined);
  const placeOf = (value) => 1 + then.filter((other) => sign * other > sign * value).length;
  return {
    row,
    before: own ? placeOf(own[1]) : null,
    after: row.is_baseline ? null : placeOf(row.value),
    isNew: !own,
    isShared: then.includes(row.value),
  };
}

const sentence = (...parts) => parts.filter(Boolean).join(", ");

export class Moves {
  constructor(list) {
    this.list = list;
    this.section = list.closest("section");
    this.template = document.querySelector("[data-move-template]").content.firstElementChild;
  }

  // The newest bests of a board that was not seen growing.
  begin({ ranked, isHidden, direction }) {
    const rows = isHidden ? [] : ranked.filter((row) => row.reached_at && row.value !== null);
    const rivals = rows.filter((row) => !row.is_baseline);
    const sign = direction === "minimize" ? -1 : 1;
    const newest = [...rows].sort((one, other) => Date.parse(other.reached_at) - Date.parse(one.reached_at));
    const changes = newest.slice(0, LENGTH).map((row) => changeOf(row, rivals, sign));
    this.list.replaceChildren(...changes.map((change) => this.entry(change, change.row.reached_at)));
    this.section.hidden = changes.length === 0;
  }

  add(change) {
    const item = this.entry(change, change.row.last_at);
    item.classList.add("is-new");
    this.list.prepend(item);
    while (this.list.children.length > LENGTH) this.list.lastElementChild.remove();
    this.section.hidden = false;
  }

  entry(change, at) {
    const { row, before, after } = change;
    const places = before && after ? before - after : 0;
    return this.item(row, at, sentence(row.score || "a new entry", meaning(change)), places);
  }

  item(row, at, words, places) {
    const item = this.template.cloneNode(true);
    showTime(item.querySelector("time"), at);
    item.querySelector("b").textContent = row.team;
    item.querySelector("small").textContent = words;
    const move = item.querySelector(".move");
    move.hidden = places <= 0;
    move.append(String(places));
    return item;
  }
}
