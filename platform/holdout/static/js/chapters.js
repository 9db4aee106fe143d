// A ceremony as steps, from the last place upwards: a long field in groups, then one team at a time.
//
//   { kind: "opening" }                        nothing is said yet
//   { kind: "group", rows }                    a group of places, best first
//   { kind: "lineUp" }                         the lines' left ends, after a field
//   { kind: "team", row, place }               one line; `place` counts from 0, the winner's

const AT_MOST = 14;
const FINALISTS = 12;
const GROUP = 36;

// Teams that share a rank are not torn apart between the field and the lines, where that can be.
function cut(rows) {
  if (rows.length <= AT_MOST) return rows.length;
  const isTorn = (place) => rows[place] && rows[place].rank === rows[place - 1].rank;
  let place = FINALISTS;
  while (place < AT_MOST && isTorn(place)) place += 1;
  while (place > 1 && isTorn(place)) place -= 1;
  return isTorn(place) || place < 2 ? FINALISTS : place;
}

function groupsOf(field) {
  const count = Math.ceil(field.length / GROUP);
  const size = Math.ceil(field.length / count);
  return Array.from({ length: count }, (_, n) => field.slice(n * size, (n + 1) * size)).reverse();
}

// `rows` are the ranked teams, best first.
export function stepsOf(rows) {
  const finalists = rows.slice(0, cut(rows));
  const field = rows.slice(finalists.length);
  const teams = finalists.map((row, place) => ({ kind: "team", row, place })).reverse();
  if (field.length === 0) return { finalists, field, steps: [{ kind: "opening" }, ...teams] };
  const groups = groupsOf(field).map((group) => ({ kind: "group", rows: group }));
  return { finalists, field, steps: [{ kind: "opening" }, ...groups, { kind: "lineUp" }, ...teams] };
}

export function placesOf(rows) {
  const [first, last] = [rows[0].rank, rows.at(-1).rank];
  return first === last ? `Place ${first}` : `Places ${last} to ${first}`;
}
