// A chart for those who do not see it: one sentence, and its curves as a table.
import { momentOf, timeTicks } from "./axes.js";

export function sentence({ decimals, from, to }, { rivals, baselines }) {
  const score = ({ value }) => value.toFixed(decimals);
  const [leader, ...others] = rivals;
  const beaten = baselines.slice(0, 1).map((each) => `The best baseline, ${each.team}, has ${score(each)}.`);
  if (!leader) return ["No team has a score yet.", ...beaten].join(" ");
  return [
    `Best score over time: ${leader.team} leads with ${score(leader)} since ${momentOf(leader.at, from, to)}.`,
    ...others.filter(({ isYou }) => isYou).map((each) => `Your team, ${each.team}, has ${score(each)}.`),
    ...beaten,
  ].join(" ");
}

function cell(name, scope, text) {
  const element = document.createElement(name);
  element.textContent = text;
  if (scope) element.scope = scope;
  if (scope !== "row") element.className = "num";
  return element;
}

function row(cells) {
  const element = document.createElement("tr");
  element.append(...cells);
  return element;
}

export function fillTable(table, { decimals, from, to, now }, { rivals, baselines }) {
  const moments = timeTicks(from, now, 4).filter(({ at }) => at > from && at < now);
  moments.push({ at: now, label: momentOf(now, from, to) });
  const team = cell("th", "col", "Team");
  team.className = "";
  table.tHead.replaceChildren(row([team, ...moments.map(({ label }) => cell("th", "col", label))]));
  const valueAt = (points, moment) => points.findLast(([at]) => at <= moment)?.[1].toFixed(decimals) ?? "–";
  const lines = [...rivals, ...baselines].map(({ team: name, points }) =>
    row([cell("th", "row", name), ...moments.map(({ at }) => cell("td", "", valueAt(points, at)))]));
  table.tBodies[0].replaceChildren(...lines);
}
