// The first of the board as a race: rows slide to their new ranks, the one that moved glows.
import { markPath } from "./marks.js";
import { token } from "./slide.js";
import { now } from "./times.js";

const MEDALS = { 1: " rank-gold", 2: " rank-silver", 3: " rank-bronze" };
const LONG = 40;
const NEW = 10 * 60_000; // after that a team is no news, though it stood nowhere an hour ago
const root = document.documentElement;
const styleOf = (name) => getComputedStyle(root).getPropertyValue(name).trim();

// Who was not on the board an hour ago has gained and lost nothing: that is not "no change".
function writeMove(element, { rank, moved, curve }) {
  const isUnknown = rank === null || moved === null;
  if (isUnknown) {
    const isNew = rank !== null && now() - (curve?.[0]?.[0] ?? 0) * 1000 < NEW;
    element.className = `move ${isNew ? "move-new" : "move-none"}`;
    element.textContent = isNew ? "new" : "";
    return;
  }
  element.className = `move ${moved > 0 ? "move-up" : moved < 0 ? "move-down" : "move-same"}`;
  const words = document.createElement("span");
  words.className = "sr";
  words.textContent = moved > 0 ? "up " : moved < 0 ? "down " : "no change";
  element.replaceChildren(words, moved ? String(Math.abs(moved)) : "");
}

export class Race {
  constructor(list, length = 10) {
    this.list = list;
    this.length = length;
    this.template = document.querySelector("[data-race-template]").content.firstElementChild;
    this.items = new Map();
  }

  // `changed` are the teams whose own doing this was.
  draw(standings, changed = []) {
    const rows = standings.ranked.slice(0, this.length);
    const before = this.tops();
    this.drop(rows);
    const items = rows.map((row) => this.fill(row, standings.isHidden));
    items.forEach((item, place) => {
      if (this.list.children[place] !== item) this.list.insertBefore(item, this.list.children[place] ?? null);
    });
    this.drawBand(rows, standings.ties);
    this.slide(before);
    for (const id of changed) this.light(this.items.get(id));
  }

  tops() {
    return new Map([...this.items.values()].map((item) => [item, item.getBoundingClientRect().top]));
  }

  drop(rows) {
    const there = new Set(rows.map((row) => row.team_id));
    for (const [id, item] of this.items) {
      if (there.has(id)) continue;
      item.remove();
      this.items.delete(id);
    }
  }

  // Names come from strangers: they are set as text, never as HTML.
  fill(row, isHidden) {
    const item = this.items.get(row.team_id) ?? this.template.cloneNode(true);
    this.items.set(row.team_id, item);
    item.classList.toggle("is-baseline", row.is_baseline);
    const disc = item.querySelector(".rank");
    disc.textContent = row.rank ?? (isHidden ? "" : "–");
    disc.className = `rank${row.rank ? (MEDALS[row.rank] ?? "") : " faint"}`;
    writeMove(item.querySelector(".move"), row);
    const mark = item.querySelector(".avatar path");
    const name = item.querySelector("[data-name]");
    if (name.textContent !== row.team) mark.setAttribute("d", markPath(row.team));
    name.textContent = row.team;
    name.classList.toggle("is-long", row.team.length > LONG);
    item.querySelector("small").hidden = !row.is_baseline;
    const entries = `${row.entries} ${row.entries === 1 ? "entry" : "entries"}`;
    item.querySelector(".score").textContent = isHidden ? entries : row.score;
    return item;
  }

  // The bar at the edge stands beside the leader and everyone who is tied with it.
  drawBand(rows, { tied, isBand }) {
    rows.forEach((row, place) => {
      const { classList } = this.items.get(row.team_id);
      const isIn = isBand && tied[place];
      classList.toggle("in-band", isIn);
      classList.toggle("band-first", isIn && !tied[place - 1]);
      classList.toggle("band-last", isIn && !tied[place + 1]);
    });
  }

  slide(before) {
    const duration = token("--slide");
    if (!duration || document.hidden) return;
    const easing = styleOf("--ease-race");
    for (const item of this.items.values()) {
      for (const motion of item.getAnimations()) if (motion.id === "slide") motion.cancel();
      if (!before.has(item) && before.size === 0) continue;
      const gap = (before.get(item) ?? this.list.getBoundingClientRect().bottom) - item.getBoundingClientRect().top;
      if (Math.abs(gap) < 1) continue;
      const motion = item.animate([{ transform: `translateY(${gap}px)` }, { transform: "none" }], { duration, easing });
      motion.id = "slide";
    }
  }

  light(item) {
    if (!item) return;
    const timing = { duration: token("--settle"), easing: "ease-out" };
    item.animate([{ backgroundColor: styleOf("--glow") }, {}], timing);
    item.animate([{ zIndex: 2 }, { zIndex: 2 }], { duration: token("--slide") });
  }
}
