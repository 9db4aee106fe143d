// Accuracy against cost: a dot for every model on the board, and the line of those that no other one
// beats in both, the Pareto front.
//
//   {% include "competitions/_cost_chart.html" %}
//   const chart = new CostChart(document.querySelector("[data-cost-chart]"), { direction, decimals, you });
//   chart.show(rows);
//
// `rows` are the API's rows of the board; those without a `cost` are files of predictions.
import { valueTicks } from "./axes.js";
import { node } from "./svg.js";

const TOP = 14;
const BOTTOM = 30;
const RIGHT = 16;
const MARGIN = 0.15; // of the span, on either side
const NAMED = 6; // of the front: more names would lie over each other

const compact = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

// What is dear is far to the right: throughput runs the other way.
const AXES = {
  macs: { less: true, words: "multiply-accumulates per image" },
  parameters: { less: true, words: "parameters" },
  images_per_second: { less: false, words: "images per second" },
};

// Best score first; on the front is who is cheaper than all that score better.
function front(points, isLess) {
  const found = [];
  for (const point of points) {
    const last = found.at(-1);
    const isCheaper = !last || (isLess ? point.x < last.x : point.x > last.x);
    if (isCheaper) found.push(point);
  }
  return found;
}

function span(values, margin) {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const air = (high - low) * margin || Math.abs(high) * margin || margin;
  return [low - air, high + air];
}

function powers(low, high) {
  const ticks = [];
  for (let power = Math.floor(low); power <= Math.ceil(high); power += 1) {
    for (const step of high - low > 2.5 ? [1] : [1, 2, 5]) {
      const at = power + Math.log10(step);
      if (at >= low && at <= high) ticks.push({ at, label: compact.format(step * 10 ** power) });
    }
  }
  return ticks;
}

export class CostChart {
  constructor(figure, { direction, decimals, you }) {
    this.figure = figure;
    this.svg = figure.querySelector("[data-cost-plot]");
    this.sign = direction === "minimize" ? -1 : 1;
    this.decimals = decimals;
    this.you = you;
    this.rows = [];
    const choice = figure.querySelector("[data-cost-axis]");
    choice.addEventListener("change", () => this.draw());
    this.choice = choice;
    let width = 0;
    new ResizeObserver(([{ contentRect }]) => {
      if (contentRect.width === width) return;
      width = contentRect.width;
      this.draw();
    }).observe(figure);
  }

  show(rows) {
    this.rows = rows.filter(({ cost, value }) => cost && value !== null);
    this.draw();
  }

  draw() {
    const axis = this.choice.value;
    const points = this.rows
      .filter(({ cost }) => cost[axis] > 0)
      .map((row) => ({ row, x: row.cost[axis], y: row.value }))
      .sort((a, b) => this.sign * (b.y - a.y) || (AXES[axis].less ? a.x - b.x : b.x - a.x));
    this.figure.querySelector("[data-cost-empty]").hidden = points.length > 0;
    this.svg.toggleAttribute("hidden", !points.length);
    this.fill();
    if (points.length) this.paint(points, front(points, AXES[axis].less), AXES[axis]);
  }

  paint(points, best, { less, words }) {
    const width = Math.round(this.svg.clientWidth) || 640;
    const height = Math.round(Math.min(Math.max(width * 0.5, 230), 340));
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const bottom = height - BOTTOM;
    const [low, high] = span(points.map(({ y }) => y), MARGIN);
    const [near, far] = span(points.map(({ x }) => Math.log10(x)), MARGIN);
    const scores = valueTicks(low, high, Math.max(3, Math.floor(height / 60)));
    const left = Math.max(...scores.map(({ label }) => label.length)) * 7 + 12;
    const across = (log) => left + ((log - near) / (far - near)) * (width - left - RIGHT);
    const x = (value) => across(Math.log10(value));
    const y = (value) => bottom - ((value - low) / (high - low)) * (bottom - TOP);
    const grid = scores.flatMap(({ value, label }) => [
      node("path", { class: "grid-line", d: `M${left} ${y(value)}H${width - RIGHT}` }),
      node("text", { x: left - 8, y: y(value) + 4, "text-anchor": "end" }, label),
    ]);
    const costs = powers(near, far).map(({ at, label }) =>
      node("text", { x: across(at), y: bottom + 18, "text-anchor": "middle" }, label));
    const line = best.map((point, n) => {
      const before = best[n - 1];
      // Between two of the front the worse one is the best that so little buys.
      return before ? `V${y(point.y)}H${x(point.x)}` : `M${x(point.x)} ${y(point.y)}`;
    }).join("");
    this.svg.replaceChildren(
      ...grid,
      ...costs,
      node("path", { class: "series series-1", d: line }),
      ...points.map((point) => this.dot(point, best.includes(point), x, y)),
      ...best.slice(0, NAMED).map((point) => this.name(point, x, y, width)),
    );
    this.svg.setAttribute("aria-label", this.sentence(best, words, less));
  }

  dot({ row, x: cost, y: score }, isBest, x, y) {
    const kind = row.team_id === this.you ? "you" : isBest ? "1" : "faint";
    const dot = node("circle", { class: `dot dot-${kind}`, cx: x(cost), cy: y(score), r: isBest ? 5 : 4 });
    dot.append(node("title", {}, `${row.team}: ${row.score}, ${compact.format(cost)}`));
    return dot;
  }

  name({ row, x: cost, y: score }, x, y, width) {
    const isRight = x(cost) > width * 0.7;
    const kind = row.team_id === this.you ? "label label-you" : "label";
    const place = { x: x(cost) + (isRight ? -9 : 9), y: y(score) - 7, "text-anchor": isRight ? "end" : "start" };
    return node("text", { class: kind, ...place }, row.team);
  }

  sentence(best, words, less) {
    const told = best.slice(0, NAMED).map(({ row, x }) => `${row.team} with ${row.score} at ${compact.format(x)}`);
    return `Score against ${words}. No ${less ? "smaller" : "faster"} model scores better than: ${told.join("; ")}.`;
  }

  // Every model with all three numbers, the best first.
  fill() {
    const cell = (name, text, scope = "") => {
      const element = document.createElement(name);
      element.textContent = text;
      if (scope) element.scope = scope;
      if (scope !== "row") element.className = "num";
      return element;
    };
    const number = (value) => (value ? compact.format(value) : "–");
    const lines = this.rows.map(({ team, score, cost }) => {
      const line = document.createElement("tr");
      line.append(cell("th", team, "row"), cell("td", score), ...Object.keys(AXES).map((name) => cell("td", number(cost[name]))));
      return line;
    });
    this.figure.querySelector("tbody").replaceChildren(...lines);
    this.figure.querySelector("details").hidden = !lines.length;
  }
}
