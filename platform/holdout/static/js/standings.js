// The board without a table: its rows, ranked; takes a whole board, one changed row, statistics.
import { compare, rank } from "./ranking.js";
import { tiesOf } from "./ties.js";

// The first hundred are enough for a room. Who is further down has no rank here.
export const KEPT = 100;

const keyOf = (row) => `${row.score} ${row.entries}`;

export class Standings {
  constructor() {
    this.rows = new Map();
    this.board = null;
    this.forget();
  }

  // After a restart of the site versions may begin anew.
  forget() {
    this.fetched = -1; // the version of the last whole board
    this.version = -1; // the newest that was heard of, from a board or from an event
  }

  get isHidden() {
    return this.board?.feedback === "hidden";
  }

  get direction() {
    return this.board.direction;
  }

  get ranked() {
    return [...this.rows.values()];
  }

  get leader() {
    return this.ranked.find((row) => !row.is_baseline) ?? null;
  }

  // Every team is among the rows: one that is not known is new, or was hidden until now.
  get isWhole() {
    return (this.board?.pages ?? 1) <= 1;
  }

  // Who is tied with the leader, by the rule of the board page. A tie with somebody who leads no
  // more says nothing.
  get ties() {
    const { leader, ranked, board } = this;
    const { leader: compared, noise, direction } = board;
    const isCompared = !compared || (compared.team_id === leader?.team_id && compared.value === leader?.value);
    const rows = isCompared ? ranked : ranked.map((row) => ({ ...row, tied: null }));
    return tiesOf(rows, leader, noise, direction === "minimize" ? -1 : 1);
  }

  // A whole board, unless an event has overtaken it. Returns what happened since the last one,
  // oldest first; nothing for the first.
  replace(board) {
    if (board.version < this.version) return [];
    const before = this.rows;
    const isFirst = this.board === null;
    this.board = { ...board, rows: undefined };
    this.fetched = this.version = board.version;
    this.rows = new Map(board.rows.map((row) => [row.team_id, { ...row, version: board.version }]));
    for (const row of this.rows.values()) remember(row);
    this.rank();
    if (isFirst) return [];
    const changed = this.ranked.filter((row) => {
      const known = before.get(row.team_id);
      return known ? keyOf(known) !== keyOf(row) : row.entries === 1;
    });
    changed.sort((one, other) => Date.parse(one.last_at) - Date.parse(other.last_at));
    return changed.map((row) => this.change(before.get(row.team_id), row));
  }

  // One changed row; null for what was known already: after a reconnect one hears things twice.
  apply(version, fresh) {
    const known = this.rows.get(fresh.team_id);
    if (version <= (known?.version ?? this.fetched)) return null;
    this.version = Math.max(this.version, version);
    const before = known && { ...known };
    const row = { ...fresh, then: known?.then ?? null, version };
    this.rows.set(row.team_id, row);
    if (!known && !row.is_baseline && (this.isWhole || row.entries === 1)) this.board.teams += 1;
    this.rank();
    return this.change(before, row);
  }

  // Intervals and ties come a moment after the score that they belong to.
  learn({ leader, noise, rows }) {
    this.board = { ...this.board, leader, noise };
    for (const { team_id, ...facts } of rows) {
      const row = this.rows.get(team_id);
      if (!row) continue;
      Object.assign(row, facts);
      remember(row);
    }
  }

  change(before, row) {
    return {
      row,
      before: before?.rank ?? null,
      after: this.rows.has(row.team_id) ? row.rank : null,
      isNew: !before && row.entries === 1,
      isBetter: this.isHidden || !before || before.score !== row.score,
      isShared: row.rank !== null && this.ranked.filter((other) => other.rank === row.rank).length > 1,
    };
  }

  rank() {
    // Without scores who was there first stands first, as on every other board.
    const sorted = this.ranked.sort(compare(this.board.direction)).slice(0, KEPT);
    if (this.isHidden) for (const row of sorted) row.rank = null;
    else rank(sorted);
    for (const row of sorted) row.moved = row.then && row.rank ? row.then - row.rank : null;
    this.rows = new Map(sorted.map((row) => [row.team_id, row]));
  }
}

// The rank of an hour ago, from which the arrow counts while the others pass by.
function remember(row) {
  row.then = row.rank && Number.isInteger(row.moved) ? row.rank + row.moved : null;
}
