// Who cannot be told apart from the leader, and how much of a difference is noise: the rules of
// competitions/views/ties.py.
const HAIR = 1e-9; // displayed values are floats: 0.94 - 0.93 is a hair more than 0.01

// The smallest difference to the leader that is more than noise, where nothing was compared.
export function tieWidth(leader) {
  if (!leader || leader.low === null || leader.high === null) return null;
  return (Math.SQRT2 * (leader.high - leader.low)) / 2;
}

export const beats = (row, leader, sign) =>
  Boolean(leader) && row.is_baseline && row.value !== null && sign * row.value > sign * leader.value;

function isTied(row, leader, noise, sign) {
  if (!leader || leader.value === null || row.value === null || beats(row, leader, sign)) return false;
  if (row.team_id === leader.team_id) return true;
  if (row.tied !== null) return row.tied;
  return noise !== null && Math.abs(leader.value - row.value) <= noise + HAIR;
}

// Around the leader without a gap, or on a later page from its top on.
function runOf(rows, tied, leader, sign) {
  const own = rows.findIndex((row) => row.team_id === leader?.team_id);
  const first = own < 0 ? rows.findIndex((row) => !beats(row, leader, sign)) : own;
  let from = first < 0 ? rows.length : first;
  let to = from;
  while (from > 0 && tied[from - 1]) from -= 1;
  while (to < rows.length && tied[to]) to += 1;
  return { from, to };
}

// For sorted rows: a mark for each, and the run of those around the leader (from, to).
export function tiesOf(rows, leader, wanted, sign) {
  const noise = wanted ?? tieWidth(leader);
  const tied = rows.map((row) => isTied(row, leader, noise, sign));
  const { from, to } = runOf(rows, tied, leader, sign);
  const isBand = rows.some((row, n) => tied[n] && row.team_id !== leader.team_id);
  const isUnbroken = tied.filter(Boolean).length === to - from;
  const isKnown = noise !== null || rows.some((row) => row.tied !== null);
  return { noise, tied, from, to, isBand, isUnbroken, isKnown, last: isBand ? tied.lastIndexOf(true) : -1 };
}

// In words: points of a hundred for shares, else two figures that count.
export function difference(noise, [least, most]) {
  if (noise === null) return "";
  if (least === 0 && most === 1) {
    const points = 100 * noise;
    return `${points.toFixed(points >= 0.95 ? 1 : 2)} points`;
  }
  return noise.toFixed(noise > 0 ? Math.max(0, 1 - Math.floor(Math.log10(noise))) : 0);
}
