// How many files may still be sent, read again after each score: a team shares its attempts.
const each = (selector, change) => document.querySelectorAll(selector).forEach(change);

// Writes the numbers wherever they stand, shows the sentence that fits, and says if any are left.
export async function refreshAttempts(url) {
  const response = await fetch(url, { headers: { Accept: "application/json" }, cache: "no-store" });
  if (!response.ok) throw new Error(`the challenge answers ${response.status}`);
  const { attempts } = await response.json();
  const today = Math.max(0, attempts.limit - attempts.used);
  each("[data-left-today]", (number) => { number.textContent = today; });
  each("[data-left-in-all]", (number) => { number.textContent = attempts.lifetime_left; });
  each("[data-can-send]", (words) => { words.hidden = !attempts.left; });
  each("[data-spent-today]", (words) => { words.hidden = today > 0; });
  each("[data-spent-in-all]", (words) => { words.hidden = attempts.left > 0 || today === 0; });
  return attempts.left > 0;
}
