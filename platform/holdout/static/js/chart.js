// The day as a step chart: the best score of each leader by the clock, baselines to beat.
//
//   {% include "competitions/_score_chart.html" with title="The day so far" %}
//   drawChart(document.querySelector("[data-score-chart]"), { teams, you, direction, decimals, from, to, now });
//
// `teams` is [{ team_id, team, is_baseline, curve: [[epoch seconds, value], …] }, …], the rows of the
// board or of the history; `you` a team's id or null; `from`, `to` and `now` are epoch seconds: the
// axis and where the curves end. Call it again with everything whenever a curve has grown.
// `cursor: true` marks `now` with a line and keeps the room for the labels, so that the axis holds
// still while `now` moves; `freeze` marks the moment from which the public board stood still.
import { clockOf, timeTicks, valueTicks } from "./axes.js";
import { fillTable, sentence } from "./chartwords.js";
import { namesBeside } from "./labels.js";
import { compare } from "./ranking.js";
import { node } from "./svg.js";

const LEADERS = 6;
const NARROW = 520;
const TOP = 14;
const BOTTOM = 26;
const RIGHT = 8;
const AIR = 18; // between a curve's end and its name
const SHORTEST = 60; // seconds: a board that has just begun has an axis too
const FITTED = 0.75; // of the leaders, as the whiskers of the board do
const REACH = 4; // times the better half's span: what lies further below, as a sample file does, is left out

const drawn = new WeakMap(); // figure -> its newest data, for when the width changes

export function drawChart(figure, data) {
  const isNew = !drawn.has(figure);
  drawn.set(figure, { ...data, to: Math.max(data.to, data.from + SHORTEST) });
  if (isNew) watch(figure);
  draw(figure, drawn.get(figure));
}

function watch(figure) {
  const again = () => draw(figure, drawn.get(figure));
  let width = 0;
  new ResizeObserver(([{ contentRect }]) => {
    if (contentRect.width === width) return;
    width = contentRect.width;
    again();
  }).observe(figure);
  figure.querySelector("details").addEventListener("toggle", again);
}

function draw(figure, data) {
  const svg = figure.querySelector("[data-chart-plot]");
  const chosen = choose(data);
  const isEmpty = !chosen.rivals.length && !chosen.baselines.length;
  figure.querySelector("[data-chart-empty]").hidden = !isEmpty;
  figure.querySelector("details").hidden = isEmpty;
  svg.toggleAttribute("hidden", isEmpty);
  if (isEmpty) return;
  paint(svg, data, chosen);
  svg.setAttribute("aria-label", sentence(data, chosen));
  if (figure.querySelector("details").open) fillTable(figure.querySelector("table"), data, chosen);
}

// --- who is drawn -------------------------------------------------------------------------------

// The leaders of that moment and one's own team, best first; and the baselines known by then.
function choose({ teams, you, direction, now }) {
  const known = teams
    .map(({ team_id, team, is_baseline, curve }) => {
      const points = curve.filter(([at]) => at <= now);
      const [at, value] = points.at(-1) ?? [];
      const reached_at = points.length ? new Date(at * 1000).toISOString() : "";
      return { team_id, team, is_baseline, points, at, value, reached_at, isYou: team_id === you };
    })
    .filter(({ points }) => points.length)
    .sort(compare(direction));
  const rivals = known.filter(({ is_baseline }) => !is_baseline);
  const leaders = rivals.filter(({ isYou }, place) => place < LEADERS || isYou);
  leaders.forEach((each, place) => { each.kind = kindOf(each, place); });
  return { rivals: leaders, baselines: known.filter(({ is_baseline }) => is_baseline) };
}

function kindOf({ isYou }, place) {
  if (isYou) return "you";
  return place === 0 ? "1" : place < 3 ? "2" : "faint";
}

// --- where it lies ------------------------------------------------------------------------------

// The axis fits the upper part of what the leaders have had so far: from the first wild files the
// curves come in from below.
function valuesOf({ direction }, { rivals, baselines }) {
  const sign = direction === "minimize" ? -1 : 1;
  const points = rivals.flatMap((each) => each.points.map(([, value]) => sign * value)).sort((a, b) => a - b);
  if (!points.length) return baselines.map(({ value }) => value);
  const best = points.at(-1);
  const half = best - points[Math.floor(points.length / 2)];
  const floor = half > 0 ? best - REACH * half : -Infinity;
  const fitted = rivals.length > 3 ? rivals.slice(0, Math.ceil(rivals.length * FITTED)) : [];
  const worst = Math.min(points.find((point) => point >= floor), ...fitted.map(({ value }) => sign * value));
  // The best line to beat belongs into the picture unless it would flatten everything else.
  const [line] = baselines.map(({ value }) => sign * value);
  const span = best - worst || Math.abs(best) * 0.2;
  const isNear = line !== undefined && line - best <= span && best - line <= 2 * span;
  return [best, worst, ...(isNear ? [line] : [])].map((value) => sign * value);
}

function scales(width, height, data, chosen, room) {
  const values = valuesOf(data, chosen);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const air = (most - least) * 0.08 || Math.abs(most) * 0.05 || 0.05;
  const [low, high] = [least - air, most + air];
  const bottom = height - BOTTOM;
  const y = (value) => TOP + ((high - value) / (high - low)) * (bottom - TOP);
  const ticks = valueTicks(low, high, 7);
  const left = Math.max(...ticks.map(({ label }) => label.length)) * 7 + 10;
  const { from, to, now, cursor } = data;
  const share = cursor ? 1 : (now - from) / (to - from);
  const names = Math.max(1, width - left - AIR - room); // up to where the curves end
  const right = left + Math.min(width - left - RIGHT, names / Math.max(share, 0.01));
  const x = (at) => left + ((Math.min(Math.max(at, from), to) - from) / (to - from)) * (right - left);
  return { x, y, left, right, bottom, ticks, width, low, high };
}

// --- how it is painted ----------------------------------------------------------------------------

function paint(svg, data, chosen) {
  const width = Math.round(svg.clientWidth) || 640;
  const height = Math.round(Math.min(Math.max(width * 0.52, 230), 320));
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const room = chosen.rivals.length ? Math.min(170, Math.round(width * 0.3)) : 0;
  const scale = scales(width, height, data, chosen, room);
  svg.replaceChildren(...axes(scale, data), ...marks(scale, data));
  // A nested svg clips: what lies under the axis ends at its edge.
  const inner = scale.bottom - 5;
  const plot = node("svg", { class: "plot", x: 0, y: 6, width, height: inner, viewBox: `0 6 ${width} ${inner}` });
  const beaten = [...chosen.rivals].reverse(); // the leader is painted last, on top
  plot.append(...chosen.baselines.map((each) => beatLine(each, scale)));
  plot.append(...beaten.map((each) => curve(each, scale, data.now)));
  svg.append(plot, ...beaten.filter((each) => isInside(each, scale)).map((each) => end(each, scale, data.now)));
  baselineNames(svg, chosen.baselines, scale, data.now);
  const names = chosen.rivals.filter((each, place) => width >= NARROW || place < 4 || each.isYou);
  namesBeside(svg, names.filter((each) => isInside(each, scale)), {
    from: scale.x(data.now), x: scale.x(data.now) + AIR, y: scale.y, room, low: TOP, high: scale.bottom,
  });
}

const isInside = ({ value }, { low, high }) => value >= low && value <= high;

function axes({ x, y, left, right, bottom, ticks }, { from, to }) {
  const lines = ticks.flatMap(({ value, label }) => [
    node("path", { class: "grid-line", d: `M${left} ${y(value)}H${right}` }),
    node("text", { x: left - 8, y: y(value) + 4, "text-anchor": "end" }, label),
  ]);
  const moments = timeTicks(from, to, Math.max(2, Math.floor((right - left) / 52)))
    .filter(({ at }) => x(at) <= right - 14 || at === to)
    .map(({ at, label }) => node("text", { x: x(at), y: bottom + 20, "text-anchor": "middle" }, label));
  return [...lines, ...moments];
}

function marks({ x, left, right, bottom }, { now, to, cursor, freeze }) {
  const line = (at, kind) => node("path", { class: kind, d: `M${x(at)} ${TOP - 4}V${bottom}` });
  const moment = cursor ? [line(now, "cursor-line")] : now < to ? [line(now, "grid-line")] : [];
  if (!freeze || freeze > now) return moment;
  const isLate = x(freeze) > (left + right) / 2;
  const place = { x: x(freeze) + (isLate ? -6 : 6), y: TOP + 4, "text-anchor": isLate ? "end" : "start" };
  return [...moment, line(freeze, "zero-line"), node("text", place, `board frozen ${clockOf(freeze)}`)];
}

const tenth = (number) => Math.round(number * 10) / 10;

function curve({ points, kind }, { x, y }, now) {
  const [[at, value], ...steps] = points;
  const path = steps.map(([then, better]) => `H${tenth(x(then))}V${tenth(y(better))}`).join("");
  const d = `M${tenth(x(at))} ${tenth(y(value))}${path}H${tenth(x(now))}`;
  return node("path", { class: `series series-${kind}`, d });
}

function end({ value, kind }, { x, y }, now) {
  const r = kind === "faint" ? 2.5 : 4;
  return node("circle", { class: `dot dot-${kind}`, cx: tenth(x(now)), cy: tenth(y(value)), r });
}

function beatLine({ value }, { y, left, right }) {
  return node("path", { class: "beat-line", d: `M${left} ${tenth(y(value))}H${right}` });
}

// Above the line, at the end where the curves are not; of lines too close the better one is named.
function baselineNames(svg, baselines, { y, x, left, right, ...scale }, now) {
  const isEarly = x(now) < (left + right) / 2;
  const place = isEarly ? { x: right, "text-anchor": "end" } : { x: left + 4 };
  let above = -Infinity;
  for (const { team, value } of baselines.filter((each) => isInside(each, scale)).sort((a, b) => b.value - a.value)) {
    const at = y(value) - 5;
    if (at - above < 14) continue;
    above = at;
    svg.append(node("text", { class: "beat-name", y: at, ...place }, team));
  }
}
