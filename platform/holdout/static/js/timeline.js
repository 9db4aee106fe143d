// The board's whole life: every improvement in order, and the board after any of them.
//
// Times are epoch seconds. A position counts the events that have happened: 0 is the empty board.
import { compare, ordinal, rank } from "./ranking.js";

const seconds = (iso) => (iso ? Date.parse(iso) / 1000 : null);
const SHORTEST = 60;

export class Timeline {
  constructor({ teams, direction, decimals, opens_at, closes_at, freezes_at, now }) {
    this.all = teams;
    this.teams = new Map(teams.map((team) => [team.team_id, team]));
    this.direction = direction;
    this.decimals = decimals;
    this.order = compare(direction);
    this.sign = direction === "minimize" ? -1 : 1;
    this.freezes = freezes_at === closes_at ? null : seconds(freezes_at);
    this.events = teams
      .flatMap(({ team_id, curve }) => curve.map(([at, value]) => ({ at, value, team_id })))
      .sort((one, other) => one.at - other.at || one.team_id - other.team_id);
    this.bound(seconds(opens_at), seconds(closes_at), seconds(now));
  }

  // From the opening (or the first team's score, should that be earlier) to the end or now.
  bound(opens, closes, now) {
    const rivals = this.events.filter(({ team_id }) => !this.teams.get(team_id).is_baseline);
    const firsts = [opens, rivals[0]?.at].filter((at) => at !== null && at !== undefined);
    this.from = firsts.length ? Math.min(...firsts, now) : (this.events[0]?.at ?? now);
    this.runs = closes === null || now < closes;
    const last = this.events.at(-1)?.at ?? this.from;
    this.to = Math.max(this.runs ? now : closes, last, this.from + SHORTEST);
  }

  get isEmpty() {
    return this.events.length === 0;
  }

  // How many events there were at that moment.
  positionAt(time) {
    let [low, high] = [0, this.events.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.events[middle].at <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  timeOf(position) {
    return position ? Math.max(this.events[position - 1].at, this.from) : this.from;
  }

  // Best first: the value, then who had it earlier, then the older team.
  board(position) {
    const latest = new Map();
    for (const event of this.events.slice(0, position)) latest.set(event.team_id, event);
    return rank([...latest.values()].map((event) => this.row(event)).sort(this.order));
  }

  row({ at, value, team_id }) {
    const { team, is_baseline, curve } = this.teams.get(team_id);
    const reached_at = new Date(at * 1000).toISOString();
    return { team_id, team, is_baseline, curve, value, score: value.toFixed(this.decimals), reached_at };
  }

  // Places gained since an earlier position, by team; nothing for who was not there then.
  moves(position, earlier) {
    const before = new Map(this.board(earlier).map((row) => [row.team_id, row.rank]));
    const moved = this.board(position).filter((row) => row.rank && before.get(row.team_id));
    return new Map(moved.map((row) => [row.team_id, before.get(row.team_id) - row.rank]));
  }

  // What the last event did, as a sentence.
  sentence(position) {
    if (!position) return "Nobody has a score yet.";
    const { team_id } = this.events[position - 1];
    const rows = this.board(position);
    const row = rows.find((each) => each.team_id === team_id);
    if (row.is_baseline) return `The baseline ${row.team} sets ${row.score}.`;
    const before = this.board(position - 1).find((each) => each.team_id === team_id)?.rank;
    return `${row.team} ${moveOf(row, before, rows)} with ${row.score}.`;
  }

  // Where somebody else took the lead, as moments.
  leads() {
    let best = null;
    let leader = null;
    return this.events.filter(({ value, team_id }) => {
      if (this.teams.get(team_id).is_baseline) return false;
      if (best !== null && this.sign * value <= this.sign * best) return false;
      const isOther = team_id !== leader;
      [best, leader] = [value, team_id];
      return isOther;
    }).map(({ at }) => at);
  }
}

function moveOf(row, before, rows) {
  const isShared = rows.filter((each) => each.rank === row.rank).length > 1;
  if (isShared && row.rank === 1) return "shares the lead";
  if (isShared) return `ties for ${ordinal(row.rank)}`;
  if (before === row.rank) return row.rank === 1 ? "leads" : `stays ${ordinal(row.rank)}`;
  if (row.rank === 1) return "takes the lead";
  return before ? `climbs to ${ordinal(row.rank)}` : `enters at ${ordinal(row.rank)}`;
}
