// Where dots, whiskers and the grey zone lie: the arithmetic of competitions/views/whiskers.py.
import { node } from "./svg.js";

const WIDTH = 240;
const MARGIN = 12;
const FITTED = 0.75;
const PADDING = 0.06;
const TICKS = 2;
const DOT = 6;

const inside = (x) => Math.min(Math.max(x, 0), WIDTH);
const tenth = (x) => Math.round(x * 10) / 10;

export function scaleOf(rows, [least, most]) {
  const shown = rows.filter((row) => row.value !== null);
  const fitted = shown.slice(0, Math.max(1, Math.ceil(shown.length * FITTED)));
  const low = fitted.length ? Math.min(...fitted.map((row) => row.low ?? row.value)) : 0;
  const high = fitted.length ? Math.max(...fitted.map((row) => row.high ?? row.value)) : 1;
  const room = (high - low) * PADDING || Math.abs(high) * 0.05 || 0.05;
  const ends = [Math.max(low - room, least), Math.min(high + room, most)];
  const x = (value) => tenth(MARGIN + ((value - ends[0]) / (ends[1] - ends[0])) * (WIDTH - 2 * MARGIN));
  return { low: ends[0], high: ends[1], x };
}

function roundStep(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  return [5, 2, 1].map((factor) => power * factor).find((step) => step <= most * 1.001);
}

export function drawAxis(axis, scale) {
  const step = roundStep((scale.high - scale.low) / TICKS);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const texts = [];
  for (let n = Math.ceil(scale.low / step - 1e-9); n <= scale.high / step + 1e-9; n += 1) {
    texts.push(node("text", { x: scale.x(n * step), y: 9, "text-anchor": "middle" }, (n * step).toFixed(decimals)));
  }
  axis.replaceChildren(...texts);
}

const arrowTo = (dot) => {
  if (dot < 0) return "M15 10H5M9 6l-4 4 4 4";
  return dot > WIDTH ? "M225 10h10M231 6l4 4-4 4" : "";
};

export function drawWhisker(svg, row, scale) {
  const dot = scale.x(row.value);
  const arrow = arrowTo(dot);
  const hasInterval = row.low !== null && row.high !== null;
  let line = "";
  if (hasInterval && !arrow) {
    const [left, right] = [row.low, row.high].map((end) => inside(scale.x(end)));
    line = `M${left} 10H${right}M${left} 6.5v7M${right} 6.5v7`;
  }
  svg.querySelector(".w-line").setAttribute("d", line);
  svg.querySelector(".w-out").setAttribute("d", arrow);
  const circle = svg.querySelector(".w-dot");
  circle.setAttribute("cx", dot);
  circle.toggleAttribute("hidden", arrow !== "");
  const words = hasInterval ? `95 % interval ${row.low.toFixed(3)} to ${row.high.toFixed(3)}` : `Score ${row.score}`;
  svg.setAttribute("aria-label", words);
}

// From the leader's better end to the last row of the run, short of the next row's dot; where that
// has the very score of the last ones, they stay outside as well.
// `sign` is -1 where less is better: the zone then goes from the leader to the right.
export function zoneOf(rows, { from, to }, leader, scale, sign) {
  if (!leader || leader.value === null) return null;
  let stop = to;
  while (stop < rows.length && stop > from && rows[stop - 1].value === rows[stop].value) stop -= 1;
  if (stop === from) return null;
  const best = sign > 0 ? leader.high : leader.low;
  const top = best === null ? scale.x(leader.value) + sign * DOT : scale.x(best);
  const last = scale.x(rows[stop - 1].value);
  const air = stop < rows.length ? Math.min(DOT, Math.abs(scale.x(rows[stop].value) - last) / 2) : DOT;
  const [left, right] = [inside(top), inside(last - sign * air)].sort((one, other) => one - other);
  return { x: tenth(left), width: tenth(right - left) };
}

export function drawZone(svg, zone) {
  const rect = svg.querySelector(".w-zone");
  rect.toggleAttribute("hidden", zone === null);
  if (zone === null) return;
  rect.setAttribute("x", zone.x);
  rect.setAttribute("width", zone.width);
}
