// "Last moves": who improved, to what, and what that means on the board.
import { ordinal } from "./ranking.js";
import { showTime } from "./times.js";

const LENGTH = 8;

// What a change means, in words: after the score, where there is one.
export function meaning({ row, before, after, isNew, isShared }) {
  if (row.is_baseline) return "a line to beat";
  if (after === null) return "";
  if (after === 1 && before !== 1) return isShared ? "shares the lead" : "takes the lead";
  if (isNew) return `enters at ${ordinal(after)}`;
  if (isShared && after !== before) return `ties for ${ordinal(after)}`;
  if (before === after) return `own best, stays ${ordinal(after)}`;
  return `now ${ordinal(after)}`;
}

function standing(row, isShared) {
  if (row.is_baseline) return "a line to beat";
  if (row.rank === 1) return isShared ? "shares the lead" : "leads";
  return isShared ? `tied for ${ordinal(row.rank)}` : `stands ${ordinal(row.rank)}`;
}

const sentence = (...parts) => parts.filter(Boolean).join(", ");

export class Moves {
  constructor(list) {
    this.list = list;
    this.section = list.closest("section");
    this.template = document.querySelector("[data-move-template]").content.firstElementChild;
  }

  // The newest bests of a board that was not seen growing.
  begin(standings) {
    const rows = standings.ranked.filter((row) => row.reached_at);
    rows.sort((one, other) => Date.parse(other.reached_at) - Date.parse(one.reached_at));
    const shared = (row) => rows.filter((other) => other.rank === row.rank).length > 1;
    const items = standings.isHidden ? [] : rows.slice(0, LENGTH);
    this.list.replaceChildren(
      ...items.map((row) => this.item(row, row.reached_at, sentence(row.score, standing(row, shared(row))), 0)),
    );
    this.section.hidden = items.length === 0;
  }

  add(change) {
    const { row, before, after } = change;
    const places = before && after ? before - after : 0;
    const item = this.item(row, row.last_at, sentence(row.score || "a new entry", meaning(change)), places);
    item.classList.add("is-new");
    this.list.prepend(item);
    while (this.list.children.length > LENGTH) this.list.lastElementChild.remove();
    this.section.hidden = false;
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
