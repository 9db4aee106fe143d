// How a row travels: measure, change, start every row from its old place, let go (FLIP).
const root = document.documentElement;

// Times stand in tokens.css, where reduced motion sets all but the fading glow to nothing.
function token(name) {
  const raw = getComputedStyle(root).getPropertyValue(name).trim();
  return Number.parseFloat(raw) * (raw.endsWith("ms") ? 1 : 1000);
}

export function slide(body, change) {
  const before = new Map([...body.rows].map((row) => [row, row.offsetTop]));
  change();
  const duration = token("--slide");
  if (!duration || document.hidden) return;
  const easing = getComputedStyle(root).getPropertyValue("--ease-race").trim();
  for (const row of body.rows) {
    if (!before.has(row)) continue;
    const gap = before.get(row) - row.offsetTop;
    if (gap) row.animate([{ transform: `translateY(${gap}px)` }, { transform: "none" }], { duration, easing });
  }
}

// The row that moved by its own doing passes over the others and glows.
export function light(row) {
  row.classList.add("is-moving");
  setTimeout(() => row.classList.remove("is-moving"), token("--slide"));
  const from = getComputedStyle(root).getPropertyValue("--glow").trim();
  for (const cell of row.cells) {
    cell.animate([{ backgroundColor: from }, {}], { duration: token("--settle"), easing: "ease-out" });
  }
}
