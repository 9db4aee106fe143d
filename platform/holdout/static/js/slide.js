// How a row travels: measure, change, start every row from its old place, let go (FLIP).
// Only what is in view moves: of a long board the others would be measured and painted for nobody.
const root = document.documentElement;
const MARGIN = 200; // pixels around the window that count as in view
const MOST_LIGHT = 12;

// Times stand in tokens.css, where reduced motion sets all but the fading glow to nothing.
export function token(name) {
  const raw = getComputedStyle(root).getPropertyValue(name).trim();
  return Number.parseFloat(raw) * (raw.endsWith("ms") ? 1 : 1000);
}

const sliding = new WeakMap(); // row -> its motion; asking the row would cost a layout

const isInView = (top) => top > -MARGIN && top < innerHeight + MARGIN;

// Where rows are now, a slide that has not ended included.
const places = (body) => new Map([...body.rows].map((row) => [row, row.getBoundingClientRect().top]));

export function slide(body, change) {
  const duration = document.hidden ? 0 : token("--slide");
  if (!duration) {
    change();
    return;
  }
  const before = places(body);
  const origin = body.getBoundingClientRect().top;
  change();
  for (const row of body.rows) sliding.get(row)?.cancel();
  const shift = body.getBoundingClientRect().top - origin;
  const easing = getComputedStyle(root).getPropertyValue("--ease-race").trim();
  for (const [row, after] of places(body)) {
    if (!before.has(row)) continue;
    const gap = before.get(row) + shift - after;
    if (Math.abs(gap) < 1 || !(isInView(after) || isInView(after + gap))) continue;
    const frames = [{ transform: `translateY(${gap}px)` }, { transform: "none" }];
    const motion = row.animate(frames, { duration, easing });
    sliding.set(row, motion);
    motion.onfinish = () => sliding.delete(row);
  }
}

let glowing = 0;

// The row that moved by its own doing passes over the others and glows.
export function light(row) {
  row.classList.add("is-moving");
  setTimeout(() => row.classList.remove("is-moving"), token("--slide"));
  const from = getComputedStyle(root).getPropertyValue("--glow").trim();
  const duration = token("--settle");
  for (const cell of row.cells) cell.animate([{ backgroundColor: from }, {}], { duration, easing: "ease-out" });
  glowing += 1;
  setTimeout(() => { glowing -= 1; }, duration);
}

// Of many at once those in view, and not more than an eye can follow.
export function lightAll(rows) {
  const seen = rows.filter((row) => isInView(row.getBoundingClientRect().top));
  for (const row of seen) if (glowing < MOST_LIGHT) light(row);
}
