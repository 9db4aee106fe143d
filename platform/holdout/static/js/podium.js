// The podium, which grows third, second, first. Who shares a place shares the height.
import { markPath } from "./marks.js";
import { ordinal } from "./ranking.js";

const CLASSES = { 1: "first", 2: "second", 3: "third" };
const NAMES = 3;

export const before = (row) => (row.public_rank ? `was ${ordinal(row.public_rank)}` : "was not on the public board");

// One block a team; more than three medals, and each place has one block with several names.
function blocksOf(medallists) {
  if (medallists.length <= 3) return medallists.map((row) => [row]);
  const byRank = new Map();
  for (const row of medallists) byRank.set(row.rank, [...(byRank.get(row.rank) ?? []), row]);
  return [...byRank.values()];
}

export class Podium {
  // Stands as a podium does: the best in the middle, the next on its left, then on its right.
  constructor(list, rows) {
    this.template = document.querySelector("[data-block-template]").content.firstElementChild;
    this.blocks = blocksOf(rows.filter((row) => row.rank <= 3)).map((medallists) => this.block(medallists));
    const isGrouped = this.blocks.some(({ rows: sharers }) => sharers.length > 1);
    const at = (place) =>
      isGrouped ? this.blocks.find(({ rows: [one] }) => one.rank === place + 1) : this.blocks[place];
    this.steps = Array.from({ length: 3 }, (_, place) => at(place)?.item ?? this.template.cloneNode(true));
    this.isNeeded = (place) => place < rows.length;
    const [first, second, third] = this.steps;
    list.replaceChildren(second, first, third);
  }

  block(rows) {
    const item = this.template.cloneNode(true);
    const [{ rank, score, team }] = rows;
    item.className = CLASSES[rank];
    item.querySelector(".avatar path").setAttribute("d", markPath(team));
    item.querySelector(".avatar").toggleAttribute("hidden", rows.length > 1);
    item.querySelector("strong").textContent = rank;
    item.querySelector(".score").textContent = score;
    item.querySelector(".muted").textContent = rows.length === 1 ? before(rows[0]) : `shared by ${rows.length}`;
    return { item, rows };
  }

  // `told` are the teams whose place is known by now; `fresh` the one that is being told.
  show(told, fresh) {
    const isOver = this.blocks.every(({ rows }) => rows.every((row) => told.has(row)));
    this.steps.forEach((item, place) => {
      const isEmpty = this.blocks.every((block) => block.item !== item);
      item.classList.toggle("is-left", isEmpty && (isOver || !this.isNeeded(place)));
      if (isEmpty) item.setAttribute("aria-hidden", "true");
    });
    for (const { item, rows } of this.blocks) {
      const there = rows.filter((row) => told.has(row));
      item.classList.toggle("is-told", there.length > 0);
      item.classList.toggle("is-fresh", fresh !== null && there.length === 1 && there[0] === fresh);
      item.setAttribute("aria-hidden", String(there.length === 0));
      this.name(item.querySelector("[data-names]"), there);
    }
  }

  name(element, rows) {
    const shown = rows.slice(0, NAMES).map((row) => {
      const name = document.createElement("b");
      name.textContent = row.team;
      name.classList.toggle("is-long", row.team.length > 24);
      return name;
    });
    const more = rows.length - NAMES;
    element.replaceChildren(...shown, more > 0 ? `and ${more} more` : "");
  }
}
