// The large words beside the lines: who was told last, and from where they came.
import { ordinal } from "./ranking.js";

const from = ({ public_rank: rank }) =>
  rank ? `from ${ordinal(rank)} on the public board` : "not on the public board";

const NAMES = 3;
const LIST = new Intl.ListFormat("en");

function placeWords(row, sharers) {
  if (row.rank === 1) return sharers > 1 ? "Shares the first place" : "Winner";
  return sharers > 1 ? `Shares the ${ordinal(row.rank)} place` : `${ordinal(row.rank)} place`;
}

function rangeWords({ score, rank_low: low, rank_high: high }) {
  if (!low || !high) return score;
  return low === high ? `${score}, clearly ${ordinal(low)}` : `${score}, could be ${ordinal(low)} to ${ordinal(high)}`;
}

function lengthOf(name) {
  if (name.length > 34) return "longer";
  return name.length > 16 ? "long" : "short";
}

export class Spotlight {
  constructor(element) {
    this.element = element;
    this.parts = Object.fromEntries(
      ["above", "name", "below"].map((part) => [part, element.querySelector(`[data-${part}]`)]),
    );
  }

  say(above, name, below, isFresh) {
    const { element, parts } = this;
    parts.above.textContent = above;
    parts.name.textContent = name;
    parts.below.textContent = below;
    parts.name.dataset.length = lengthOf(name);
    element.classList.remove("is-fresh");
    if (!isFresh) return;
    void element.offsetWidth; // so that the same animation begins again
    element.classList.add("is-fresh");
  }

  // `sharers` are all teams of that rank, with this one among them.
  team(row, sharers, isFresh) {
    this.say(`${placeWords(row, sharers.length)}, ${from(row)}`, row.team, rangeWords(row), isFresh);
  }

  winners(rows, isFresh) {
    const names = rows.length > NAMES ? `${rows.length} teams` : LIST.format(rows.map((row) => row.team));
    this.say("Winners, side by side", names, rows[0].score, isFresh);
  }
}

export function spoken(row, sharers) {
  return `${placeWords(row, sharers.length)}: ${row.team}, ${row.score}, ${from(row)}.`;
}
