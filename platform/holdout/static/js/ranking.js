// The order of the board: the displayed value, then the earlier file, then the older team.
export function compare(direction) {
  const sign = direction === "minimize" ? 1 : -1;
  return (one, other) =>
    sign * (one.value - other.value) ||
    Date.parse(one.reached_at) - Date.parse(other.reached_at) ||
    one.team_id - other.team_id;
}

// Gives each sorted row its rank: equal scores share one (1, 2, 2, 4), baselines take none.
export function rank(rows) {
  let place = 0;
  let shared = 0;
  let last;
  for (const row of rows) {
    if (row.is_baseline) {
      row.rank = null;
      continue;
    }
    place += 1;
    if (row.value !== last) shared = place;
    last = row.value;
    row.rank = shared;
  }
  return rows;
}

export function ordinal(number) {
  const teens = [11, 12, 13].includes(number % 100);
  return `${number}${teens ? "th" : { 1: "st", 2: "nd", 3: "rd" }[number % 10] ?? "th"}`;
}
