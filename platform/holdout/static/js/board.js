// The board in the page: knows its rows, takes changed ones, ranks again and lets them travel.
//
// The first page of the whole board ranks for itself, exactly as the server does, since it knows
// every line above any of its own. Other pages are handed whole ones (see leaderboard.js).
import { compare, rank } from "./ranking.js";
import { drawDay, drawMove, drawRank, fillRow, numberOrNull, readRow } from "./rows.js";
import { lightAll, slide } from "./slide.js";
import { difference, tiesOf } from "./ties.js";
import { now } from "./times.js";
import { drawAxis, drawWhisker, drawZone, scaleOf, zoneOf } from "./whiskers.js";

const LENGTH = 100; // lines of a page, as in competitions/leaderboard.py

export class Board {
  constructor(wrap) {
    const { version, direction, bounds, noise, page, pages, teams, group, search, prizes, from } = wrap.dataset;
    this.wrap = wrap;
    this.body = wrap.querySelector("[data-rows]");
    this.template = wrap.querySelector("[data-row-template]");
    this.notes = { band: this.body.querySelector("[data-band-note]"), prize: this.body.querySelector("[data-prize-line]") };
    this.axis = wrap.querySelector(".axis");
    this.version = Number(version); // of the whole page
    this.newest = this.version; // of anything in it
    this.you = Number(wrap.dataset.you) || null;
    this.isHidden = wrap.dataset.hides === "yes";
    this.direction = direction;
    this.sign = direction === "minimize" ? -1 : 1;
    this.order = compare(direction);
    this.bounds = bounds.split(" ").map(Number);
    [this.noise, this.from] = [numberOrNull(noise), Number(from)];
    [this.page, this.pages, this.teams, this.prizes] = [page, pages, teams, prizes].map(Number);
    this.isWhole = !group && !search;
    this.ranksItself = this.isWhole && this.page === 1;
    this.known = new Map(); // team -> the version of its newest news, of rows that are not here too
    this.read();
  }

  // What the server drew.
  read() {
    this.rows = new Map();
    for (const element of this.body.querySelectorAll("tr[data-team]")) {
      const row = readRow(element);
      this.rows.set(row.team_id, row);
    }
    const pinned = this.wrap.querySelector("[data-pinned] tr");
    this.pinned = pinned ? readRow(pinned) : null;
    const [team_id, value, low, high] = this.wrap.dataset.leader.split(",");
    this.leader = team_id
      ? { team_id: Number(team_id), value: Number(value), low: numberOrNull(low), high: numberOrNull(high) }
      : null;
    this.compared = this.leader; // with whom the rows' ties are
  }

  get list() {
    return [...this.rows.values()];
  }

  // The rows as they stand, best first, with the own one wherever it is.
  get shown() {
    return this.pinned ? [...this.list, this.pinned] : this.list;
  }

  // --- news --------------------------------------------------------------------------------------

  // Changed rows, [{ version, row }, …]. Returns what happened, leaving out what was known: after a
  // reconnect an event may be heard twice.
  apply(events, isRush = false) {
    const fresh = events.filter(({ version, row }) => version > (this.known.get(row.team_id) ?? this.version));
    for (const { version, row } of fresh) {
      if (this.isNewcomer(row)) this.teams += 1;
      this.known.set(row.team_id, version);
      this.newest = Math.max(this.newest, version);
    }
    return this.change(fresh.map(({ row }) => ({ ...row, tied: this.tieOf(row) })), isRush);
  }

  // Of a board of one page every team is known; one that is shown again comes with many entries.
  isNewcomer({ team_id, is_baseline, entries }) {
    if (is_baseline || this.rows.has(team_id) || this.known.has(team_id)) return false;
    return entries === 1 || (this.isWhole && this.pages === 1);
  }

  // A tie was found for one very score; the news of another entry says nothing of it.
  tieOf({ team_id, value }) {
    const known = this.rows.get(team_id);
    return known && known.value === value ? known.tied : null;
  }

  // A whole page, after a gap or from polling. Returns what happened, best first.
  replace(board) {
    if (board.version < this.newest) return [];
    [this.version, this.newest, this.noise] = [board.version, board.version, board.noise];
    [this.page, this.pages, this.teams] = [board.page, board.pages, board.teams];
    this.known.clear();
    this.compared = board.leader;
    if (!this.ranksItself) this.follow(board.leader);
    const there = new Set(board.rows.map((row) => row.team_id));
    for (const id of [...this.rows.keys()]) if (!there.has(id)) this.drop(id);
    if (this.pinned && there.has(this.you)) this.unpin();
    else if (board.you && !there.has(this.you)) this.pin(board.you);
    return this.change(board.rows.map((row) => ({ ...row, then: thenOf(row) })));
  }

  // Ties, intervals and moves, which come a moment after the score that they belong to.
  learn({ version, leader, noise, rows }) {
    if (version < this.version) return;
    [this.noise, this.compared] = [noise, leader];
    for (const { team_id, moved, ...facts } of rows) {
      const row = this.rows.get(team_id);
      if (!row) continue;
      Object.assign(row, facts, { then: thenOf({ rank: row.rank, moved }) });
      row.isStale = true;
    }
    this.draw();
  }

  // The leader of another page; its interval is known while it is the same score.
  follow(leader) {
    const isSame = leader && this.leader?.team_id === leader.team_id && this.leader.value === leader.value;
    this.leader = isSame ? this.leader : leader && { low: null, high: null, ...leader };
  }

  // One's own row is on another page: here it stands apart, with its rank.
  pin(you, element = this.pinned?.element ?? this.blank()) {
    this.pinned = { ...you, then: you.then ?? thenOf(you), element };
    fillRow(this.pinned, true);
    if (!element.closest("[data-pinned]")) {
      const holder = document.createElement("tbody");
      holder.dataset.pinned = "";
      holder.append(element);
      this.body.after(holder);
    }
    if (this.isHidden) return;
    drawRank(this.pinned);
    drawMove(this.pinned);
    if (this.scale) drawWhisker(element.querySelector(".c-range svg"), this.pinned, this.scale);
    drawDay(this.pinned, this.from, this.direction, this.until());
  }

  unpin() {
    this.pinned.element.parentElement.remove();
    this.pinned = null;
  }

  drop(id) {
    this.rows.get(id).element.remove();
    this.rows.delete(id);
  }

  // In a rush rows jump.
  change(freshRows, isRush = false) {
    const changes = [];
    const move = isRush ? (_, act) => act() : slide;
    move(this.body, () => {
      if (!this.ranksItself) this.rows = this.sorted(freshRows);
      for (const fresh of freshRows) {
        const known = this.rows.get(fresh.team_id);
        const row = { then: known?.then ?? null, ...fresh, element: known?.element ?? this.blank(), isStale: true };
        this.rows.set(row.team_id, row);
        fillRow(row, row.team_id === this.you);
        const isBetter = !known || known.score !== row.score;
        if (!isBetter && known.entries === row.entries) continue;
        changes.push({ row, before: known?.rank ?? null, isNew: !known && row.entries === 1, isBetter });
      }
      this.draw();
    });
    const seen = changes.filter(({ row }) => this.rows.has(row.team_id));
    if (!isRush) lightAll(seen.map(({ row }) => row.element));
    return seen.map((each) => ({ ...each, after: each.row.rank, isShared: this.isShared(each.row) }));
  }

  // In the order of a page as it was fetched; of the new ones nothing is known yet.
  sorted(freshRows) {
    return new Map(freshRows.map(({ team_id }) => [team_id, this.rows.get(team_id)]));
  }

  isShared({ rank: place }) {
    return place !== null && this.list.filter((row) => row.rank === place).length > 1;
  }

  blank() {
    return this.template.content.firstElementChild.cloneNode(true);
  }

  // --- drawing -----------------------------------------------------------------------------------

  // Everything that depends on the other rows: order, ranks, moves, scale, zone, band.
  draw() {
    const rows = this.ranked();
    this.rows = new Map(rows.map((row) => [row.team_id, row]));
    this.arrange(rows);
    this.wrap.hidden = rows.length === 0;
    if (this.isHidden || !rows.length) return;
    if (this.ranksItself) this.leader = rows.find((row) => !row.is_baseline) ?? null;
    const compared = this.isCompared() ? rows : rows.map((row) => ({ ...row, tied: null }));
    const ties = tiesOf(compared, this.leader, this.noise, this.sign);
    this.drawMarks(rows, ties);
    this.drawBand(rows, ties);
    this.drawPrizes(rows);
  }

  ranked() {
    if (!this.ranksItself) return this.list;
    const sorted = this.list.sort(this.isHidden ? earliest : this.order);
    if (!this.isHidden) rank(sorted);
    for (const row of sorted.splice(LENGTH)) {
      row.element.remove();
      // How many are ahead of it is known when the page is fetched again.
      if (row.team_id === this.you) this.pin({ ...row, rank: this.pinned?.rank ?? null });
    }
    if (this.pinned && sorted.some((row) => row.team_id === this.you)) this.unpin();
    return sorted;
  }

  // Only what stands elsewhere is moved.
  arrange(rows) {
    let place = this.firstRow(this.body.firstElementChild);
    for (const { element } of rows) {
      if (element === place) place = this.firstRow(place.nextElementSibling);
      else this.body.insertBefore(element, place);
    }
  }

  firstRow(element) {
    let row = element;
    while (row && row.dataset.team === undefined) row = row.nextElementSibling;
    return row;
  }

  // Ties with somebody who leads no more say nothing.
  isCompared() {
    const { leader, compared } = this;
    return Boolean(leader && compared && leader.team_id === compared.team_id && leader.value === compared.value);
  }

  drawMarks(rows, ties) {
    const scale = scaleOf(rows, this.bounds);
    const isNewScale = scale.low !== this.scale?.low || scale.high !== this.scale?.high;
    this.scale = scale;
    const zone = ties.isKnown ? zoneOf(rows, ties, this.leader, scale, this.sign) : null;
    if (isNewScale) drawAxis(this.axis, scale);
    for (const row of rows) {
      drawRank(row);
      drawMove(row);
      const svg = row.element.querySelector(".c-range svg");
      if (isNewScale || row.isStale) drawWhisker(svg, row, scale);
      if (row.isStale) drawDay(row, this.from, this.direction, this.until());
      drawZone(svg, zone);
      row.isStale = false;
    }
    if (this.pinned) drawZone(this.pinned.element.querySelector(".c-range svg"), zone);
    this.hasZone = zone !== null;
  }

  drawBand(rows, { tied, last, isBand, isUnbroken, noise }) {
    rows.forEach(({ element: { classList } }, n) => {
      const isIn = isBand && tied[n];
      classList.toggle("in-band", isIn);
      classList.toggle("band-first", isIn && !tied[n - 1]);
      classList.toggle("band-last", isIn && !tied[n + 1]);
    });
    this.words = difference(noise, this.bounds);
    const note = this.notes.band;
    note.hidden = !isBand;
    if (!isBand) return;
    note.querySelector("[data-unbroken]").hidden = !isUnbroken;
    note.querySelector("[data-broken]").hidden = isUnbroken;
    follow(rows[last].element, note);
  }

  drawPrizes(rows) {
    const line = this.notes.prize;
    const last = rows.findLastIndex((row) => row.rank && row.rank <= this.prizes);
    line.hidden = !this.isWhole || last < 0 || !rows.slice(last).some((row) => row.rank > this.prizes);
    if (line.hidden) return;
    const note = this.notes.band;
    follow(rows[last].element.nextElementSibling === note ? note : rows[last].element, line);
  }

  // The sparklines go on to the right while nothing happens.
  age() {
    if (this.isHidden) return;
    for (const row of this.shown) drawDay(row, this.from, this.direction, this.until());
  }

  // Where the curves end, in epoch seconds.
  until() {
    return Math.min(now() / 1000, this.end ?? Infinity);
  }
}

const thenOf = ({ rank: place, moved }) => (place && Number.isInteger(moved) ? place + moved : null);

const earliest = (one, other) =>
  Date.parse(one.reached_at) - Date.parse(other.reached_at) || one.team_id - other.team_id;

function follow(row, note) {
  if (row.nextElementSibling !== note) row.after(note);
}
