// The board in the page: knows its rows, takes changed ones, ranks again and lets them travel.
import { markPath } from "./marks.js";
import { compare, rank } from "./ranking.js";
import { light, slide } from "./slide.js";
import { showTime } from "./times.js";
import { drawAxis, drawWhisker, drawZone, scaleOf, tieWidth } from "./whiskers.js";

const MEDALS = { 1: " rank-gold", 2: " rank-silver", 3: " rank-bronze" };
const numberOrNull = (text) => (text === "" ? null : Number(text));

export class Board {
  constructor(wrap) {
    this.wrap = wrap;
    this.body = wrap.querySelector("tbody");
    this.template = wrap.querySelector("[data-row-template]");
    this.note = wrap.querySelector("[data-band-note]");
    this.axis = wrap.querySelector(".axis");
    this.version = Number(wrap.dataset.version);
    this.you = Number(wrap.dataset.you) || null;
    this.order = compare(wrap.dataset.direction);
    this.sign = wrap.dataset.direction === "minimize" ? -1 : 1;
    this.bounds = wrap.dataset.bounds.split(" ").map(Number);
    this.rows = new Map();
    for (const element of this.body.querySelectorAll("tr[data-team]")) this.read(element);
    for (const row of this.ranked()) row.opened = row.rank;
  }

  // What the server drew.
  read(element) {
    const { team, name, value, low, high, reached } = element.dataset;
    this.rows.set(Number(team), {
      team_id: Number(team),
      team: name,
      is_baseline: element.matches(".is-baseline"),
      score: element.querySelector(".value").textContent,
      value: Number(value),
      low: numberOrNull(low),
      high: numberOrNull(high),
      reached_at: reached,
      version: this.version,
      element,
    });
  }

  ranked() {
    return rank([...this.rows.values()].sort(this.order));
  }

  get teams() {
    return [...this.rows.values()].filter((row) => !row.is_baseline).length;
  }

  // One changed row. Returns what happened, or null for what was known already: after a
  // reconnect an event may be heard twice.
  apply(version, fresh) {
    const known = this.rows.get(fresh.team_id);
    if (known && version <= known.version) return null;
    this.version = Math.max(this.version, version);
    const [change] = this.change([{ ...fresh, version }]);
    return change ?? null;
  }

  // A whole board, after a gap or from polling. Returns what happened, best first.
  replace(board) {
    if (board.version < this.version) return [];
    this.version = board.version;
    const there = new Set(board.rows.map((row) => row.team_id));
    for (const [id, row] of this.rows) {
      if (there.has(id)) continue;
      row.element.remove();
      this.rows.delete(id);
    }
    return this.change(board.rows.map((row) => ({ ...row, version: board.version })));
  }

  change(freshRows) {
    const changes = [];
    slide(this.body, () => {
      for (const fresh of freshRows) {
        const known = this.rows.get(fresh.team_id);
        const before = known?.rank ?? null;
        const isNew = !known;
        const isBetter = isNew || known.score !== fresh.score;
        const entries = known?.element.querySelector(".c-n").textContent;
        const row = { ...fresh, opened: known?.opened, element: known?.element ?? this.blank() };
        this.rows.set(fresh.team_id, row);
        this.fill(row);
        if (isBetter || entries !== String(fresh.entries)) changes.push({ row, before, isNew, isBetter });
      }
      this.draw();
    });
    for (const { row } of changes) light(row.element);
    return changes.map((each) => ({ ...each, after: each.row.rank }));
  }

  blank() {
    return this.template.content.firstElementChild.cloneNode(true);
  }

  // Names come from strangers: they are set as text, never as HTML.
  fill({ element, ...row }) {
    element.dataset.team = row.team_id;
    element.dataset.name = row.team;
    element.classList.toggle("is-baseline", row.is_baseline);
    element.classList.toggle("is-you", row.team_id === this.you);
    element.querySelector(".avatar path").setAttribute("d", markPath(row.team));
    element.querySelector("b").textContent = row.team;
    this.badge(element, row.team_id === this.you);
    const small = element.querySelector("small");
    small.textContent = row.is_baseline ? "Baseline" : `${row.members} members`;
    small.hidden = !row.is_baseline && row.members < 2;
    element.querySelector(".value").textContent = row.score;
    const plusminus = element.querySelector(".plusminus");
    plusminus.hidden = row.low === null;
    if (row.low !== null) plusminus.textContent = `± ${((row.high - row.low) / 2).toFixed(3)}`;
    element.querySelector(".c-n").textContent = row.entries;
    showTime(element.querySelector(".c-last time"), row.last_at);
  }

  badge(element, isYou) {
    if (!isYou || element.querySelector(".badge-you")) return;
    const badge = document.createElement("span");
    badge.className = "badge badge-you";
    badge.textContent = "You";
    element.querySelector("b").after(" ", badge);
  }

  // Everything that depends on the other rows: order, ranks, moves, scale, zone, band.
  draw() {
    const rows = this.ranked();
    this.body.append(...rows.map((row) => row.element));
    const scale = scaleOf(rows, this.bounds);
    const leader = rows.find((row) => !row.is_baseline);
    const tie = tieWidth(leader);
    for (const row of rows) {
      this.drawRank(row);
      const svg = row.element.querySelector(".c-range svg");
      drawWhisker(svg, row, scale);
      drawZone(svg, leader, tie, scale, this.sign);
    }
    drawAxis(this.axis, scale);
    this.drawBand(rows, leader, tie);
    this.wrap.hidden = rows.length === 0;
  }

  drawRank(row) {
    const disc = row.element.querySelector(".rank");
    disc.textContent = row.rank ?? "–";
    disc.className = `rank${row.rank ? (MEDALS[row.rank] ?? "") : " faint"}`;
    if (row.rank) disc.removeAttribute("aria-label");
    const move = row.element.querySelector(".move");
    const places = row.rank && row.opened ? row.opened - row.rank : 0;
    move.hidden = places === 0;
    move.className = `move ${places > 0 ? "move-up" : "move-down"}`;
    const words = document.createElement("span");
    words.className = "sr";
    words.textContent = places > 0 ? "up " : "down ";
    move.replaceChildren(words, String(Math.abs(places)));
  }

  drawBand(rows, leader, tie) {
    const isTied = (row) =>
      tie !== null &&
      Math.abs(leader.value - row.value) <= tie + 1e-9 &&
      !(row.is_baseline && this.sign * row.value > this.sign * leader.value);
    const band = rows.filter(isTied);
    const isBand = band.length > 1;
    for (const row of rows) {
      row.element.classList.toggle("in-band", isBand && band.includes(row));
      row.element.classList.toggle("band-first", isBand && row === band[0]);
      row.element.classList.toggle("band-last", isBand && row === band.at(-1));
    }
    this.note.hidden = !isBand;
    if (!isBand) return;
    this.note.querySelector("[data-tie]").textContent = tie.toFixed(3);
    band.at(-1).element.after(this.note);
  }
}
