// A team's day as a step line of 80 by 24 units, better is up: the arithmetic of
// competitions/views/sparklines.py, to the digit.
const LEFT = 2;
const RIGHT = 76;
const TOP = 4;
const BOTTOM = 20;
const MIDDLE = (TOP + BOTTOM) / 2;

const tenth = (x) => Math.floor(x * 10 + 0.5) / 10;

// `curve` is [[epoch seconds, value], …], oldest first; the axis runs from `from` to `to`, the
// line ends with a dot at `now`. A curve that has not begun has no dot.
export function sparkPath(curve, from, to, direction, now = to) {
  const known = curve.filter(([at]) => at <= now);
  if (!known.length) return { line: "", dot: null };
  const values = known.map(([, value]) => value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const [worst, best] = direction === "minimize" ? [high, low] : [low, high];
  const x = (at) => {
    const share = to > from ? (at - from) / (to - from) : 1;
    return tenth(LEFT + Math.min(Math.max(share, 0), 1) * (RIGHT - LEFT));
  };
  const y = (value) => {
    if (best === worst) return MIDDLE;
    return tenth(BOTTOM - ((value - worst) / (best - worst)) * (BOTTOM - TOP));
  };
  const [[first, start], ...steps] = known;
  const line = steps.map(([at, value]) => `H${x(at)}V${y(value)}`).join("");
  const dot = { x: x(now), y: y(values.at(-1)) };
  return { line: `M${x(first)} ${y(start)}${line}H${dot.x}`, dot };
}

// Draws into <svg viewBox="0 0 80 24"><path class="s-line"/><circle class="s-dot" r="2.5"/></svg>.
export function drawSpark(svg, curve, from, to, direction, now) {
  const { line, dot } = sparkPath(curve, from, to, direction, now);
  svg.querySelector(".s-line").setAttribute("d", line);
  const circle = svg.querySelector(".s-dot");
  circle.toggleAttribute("hidden", !dot);
  if (!dot) return;
  circle.setAttribute("cx", dot.x);
  circle.setAttribute("cy", dot.y);
}
