// The card with the team's best score: read again once a file has been scored.
export async function refreshBest() {
  const card = document.querySelector("[data-best]");
  if (!card) return;
  const response = await fetch(card.dataset.best);
  if (!response.ok) return;
  const { you, teams } = await response.json();
  if (!you?.score) return;
  card.querySelector("[data-best-score]").textContent = you.score;
  card.querySelector("[data-best-rank]").textContent = `${you.rank ?? "–"} of ${teams}`;
  const interval = card.querySelector("[data-best-interval]");
  if (interval && you.low !== null) interval.textContent = `${you.low.toFixed(3)} to ${you.high.toFixed(3)}`;
}
