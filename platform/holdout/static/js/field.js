// A long field, told in groups: places, names, moves and scores in columns.
import { ordinal } from "./ranking.js";

const TWO_COLUMNS = 24;

function moveOf(element, row) {
  const places = row.moved ?? 0;
  element.className = `move ${places > 0 ? "move-up" : places < 0 ? "move-down" : "move-same"}`;
  const words = document.createElement("span");
  words.className = "sr";
  words.textContent = places > 0 ? "up " : places < 0 ? "down " : "no change";
  element.replaceChildren(words, places ? String(Math.abs(places)) : "");
  if (row.public_rank) element.title = `from ${ordinal(row.public_rank)}`;
}

export class Field {
  constructor(list) {
    this.list = list;
    this.template = document.querySelector("[data-place-template]").content.firstElementChild;
  }

  // Names come from strangers: they are set as text, never as HTML.
  show(rows, isFresh) {
    this.list.classList.toggle("is-wide", rows.length > TWO_COLUMNS);
    this.list.classList.toggle("is-fresh", isFresh);
    this.list.replaceChildren(
      ...rows.map((row) => {
        const item = this.template.cloneNode(true);
        item.querySelector(".place").textContent = row.rank;
        moveOf(item.querySelector(".move"), row);
        item.querySelector("b").textContent = row.team;
        item.querySelector(".score").textContent = row.score;
        return item;
      }),
    );
  }
}
