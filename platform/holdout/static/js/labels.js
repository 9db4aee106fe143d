// Names beside the ends of curves: as close to their curve as possible, never on one another.
import { node } from "./svg.js";

const LINE = 15;
const ASIDE = 3; // a name further from its end than this is tied to it by a line

// Places in the order given, at least a line apart, within low and high where they fit.
export function spread(wanted, low, high) {
  const places = [];
  for (const place of wanted) places.push(Math.max(place, (places.at(-1) ?? -Infinity) + LINE, low));
  let limit = high;
  for (let n = places.length - 1; n >= 0 && places[n] > limit; n -= 1) {
    places[n] = limit;
    limit -= LINE;
  }
  return places;
}

// Shortens the words of a text element that is in the page until they fit.
function fit(text, room) {
  const letters = [...text.textContent];
  let kept = letters.length;
  while (kept > 1 && text.getComputedTextLength() > room) {
    kept = Math.min(kept - 1, Math.floor((kept * room) / text.getComputedTextLength()));
    text.textContent = `${letters.slice(0, kept).join("").trimEnd()}…`;
  }
}

export function namesBeside(svg, ends, { from, x, y, room, low, high }) {
  const sorted = [...ends].sort((one, other) => y(one.value) - y(other.value));
  const places = spread(sorted.map(({ value }) => y(value)), low, high);
  sorted.forEach(({ team, value, kind }, n) => {
    const isAside = Math.abs(places[n] - y(value)) > ASIDE;
    if (isAside) svg.append(node("path", { class: "lead-line", d: `M${from + 5} ${y(value)}L${x - 4} ${places[n]}` }));
    const text = node("text", { class: `label label-${kind}`, x, y: places[n] + 4 }, team);
    svg.append(text);
    fit(text, room);
  });
}
