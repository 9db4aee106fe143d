// The card with the team's best score: read again once a file has been scored.
export async function refreshBest() {
  const card = document.querySelector("[data-best]");
  if (!card) return;
  const response = await fetch(card.dataset.best);
  if (!response.ok) return;
  const { rows } = await response.json();
  const own = rows.find((row) => row.team_id === Number(card.dataset.team));
  if (!own) return;
  const ranked = rows.filter((row) => !row.is_baseline).length;
  card.querySelector("[data-best-score]").textContent = own.score;
  card.querySelector("[data-best-rank]").textContent = `${own.rank ?? "–"} of ${ranked}`;
  const interval = card.querySelector("[data-best-interval]");
  if (interval && own.low !== null) interval.textContent = `${own.low.toFixed(3)} to ${own.high.toFixed(3)}`;
}
