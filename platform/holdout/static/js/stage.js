// A replay on its page: the board of the player's moment, its last move, and the chart up to it.
import { announcer } from "./announce.js";
import { clockOf, momentOf } from "./axes.js";
import { drawChart } from "./chart.js";
import { markPath } from "./marks.js";
import { Player } from "./player.js";
import { light, slide } from "./slide.js";
import { drawSpark } from "./sparkline.js";
import { Timeline } from "./timeline.js";

const SHOWN = 20;
const HOUR = 3600;
const PAUSE = 700; // milliseconds between two boards while playing: each row arrives before it leaves
const MEDALS = { 1: " rank-gold", 2: " rank-silver", 3: " rank-bronze" };

export class Stage {
  constructor(root, history) {
    this.root = root;
    this.find = (name) => root.querySelector(`[data-${name}]`);
    this.body = root.querySelector("[data-replay-board] tbody");
    this.you = Number(root.dataset.you) || null;
    this.announce = announcer(this.find("announce"), this.you);
    this.elements = new Map(); // team -> its row in the page
    this.shown = { position: -1, at: -Infinity };
    this.renew(history);
  }

  // The first history, or a longer one.
  renew(history) {
    this.timeline = new Timeline(history);
    this.find("replay-empty").hidden = !this.timeline.isEmpty;
    this.find("replay-stage").hidden = this.timeline.isEmpty;
    if (this.timeline.isEmpty) return;
    this.isStale = true;
    if (this.player) this.player.renew(this.timeline);
    else this.player = new Player(this.root, this.timeline, (moment) => this.show(moment));
  }

  show({ time, position, isPlaying }) {
    this.moment = { time, position };
    this.drawChart(time);
    const isDue = !isPlaying || performance.now() - this.shown.at >= PAUSE;
    if ((position === this.shown.position && !this.isStale) || !isDue) return;
    const isStep = isPlaying || Math.abs(position - this.shown.position) === 1;
    this.drawBoard(time, position, this.shown.position >= 0 && isStep);
    this.shown = { position, at: performance.now() };
    this.isStale = false;
  }

  // The curves end where the moment is; a chart is painted again only when that is another pixel.
  drawChart(time) {
    const { from, to, all: teams, direction, decimals, freezes: freeze } = this.timeline;
    const figure = this.find("score-chart");
    const pixel = Math.round(((time - from) / (to - from)) * figure.clientWidth * 2);
    if (pixel === this.pixel && this.painted === this.timeline) return;
    [this.pixel, this.painted] = [pixel, this.timeline];
    drawChart(figure, { teams, you: this.you, direction, decimals, from, to, now: time, freeze, cursor: true });
  }

  drawBoard(time, position, moves) {
    const rows = this.timeline.board(position);
    const changed = this.changed(position);
    const change = () => this.fill(rows, time, position);
    if (moves) slide(this.body, change);
    else change();
    if (moves) for (const id of changed) if (this.elements.has(id)) light(this.elements.get(id));
    this.say(position);
  }

  // Whose score is another one than on the board that was shown before.
  changed(position) {
    const passed = this.timeline.events.slice(Math.max(0, this.shown.position), position);
    return new Set(passed.map(({ team_id }) => team_id));
  }

  say(position) {
    const words = this.timeline.sentence(position);
    const { from, to } = this.timeline;
    const at = position ? momentOf(this.timeline.events[position - 1].at, from, to) : clockOf(from);
    const isNews = this.said && this.said !== words;
    this.said = words;
    this.find("move").textContent = words;
    this.find("move-at").textContent = at;
    if (isNews) this.announce("moment", `${at}: ${words}`);
  }

  // --- the rows -----------------------------------------------------------------------------------

  // The first twenty with the baselines between them, and one's own team wherever it stands.
  visible(rows) {
    const last = rows.findIndex(({ rank }) => rank > SHOWN);
    const top = last < 0 ? rows : rows.slice(0, last);
    return [...top, ...rows.slice(top.length).filter(({ team_id }) => team_id === this.you)];
  }

  fill(rows, time, position) {
    const visible = this.visible(rows);
    const moves = this.timeline.moves(position, this.timeline.positionAt(time - HOUR));
    const kept = new Map(visible.map((row) => [row.team_id, this.elements.get(row.team_id) ?? this.blank(row)]));
    this.elements = kept;
    for (const row of visible) this.fillRow(kept.get(row.team_id), row, moves.get(row.team_id) ?? 0, time);
    this.body.replaceChildren(...kept.values());
    const more = rows.length - visible.length;
    this.find("more").hidden = more === 0;
    this.find("more").textContent = `And ${more} more below.`;
    this.find("nobody").hidden = rows.length > 0;
  }

  // Names come from strangers: they are set as text, never as HTML.
  blank({ team_id, team, is_baseline }) {
    const element = this.find("replay-row").content.firstElementChild.cloneNode(true);
    const isYou = team_id === this.you;
    element.dataset.team = team_id;
    element.classList.toggle("is-you", isYou);
    element.classList.toggle("is-baseline", is_baseline);
    element.querySelector(".avatar path").setAttribute("d", markPath(team));
    element.querySelector("[data-team-name]").textContent = team;
    element.querySelector(".badge-you").hidden = !isYou;
    element.querySelector("small").hidden = !is_baseline;
    return element;
  }

  fillRow(element, row, moved, time) {
    const { from, to, direction } = this.timeline;
    const disc = element.querySelector(".rank");
    disc.className = `rank${row.rank ? (MEDALS[row.rank] ?? "") : " faint"}`;
    disc.textContent = row.rank ?? "–";
    if (row.rank) disc.removeAttribute("aria-label");
    else disc.setAttribute("aria-label", "not ranked");
    fillMove(element.querySelector(".move"), moved);
    element.querySelector(".value").textContent = row.score;
    const since = element.querySelector("[data-since]");
    since.dateTime = row.reached_at;
    since.textContent = momentOf(Date.parse(row.reached_at) / 1000, from, to);
    drawSpark(element.querySelector(".c-day svg"), row.curve, from, to, direction, time);
  }
}

function fillMove(move, places) {
  move.hidden = places === 0;
  move.className = `move ${places > 0 ? "move-up" : "move-down"}`;
  const words = document.createElement("span");
  words.className = "sr";
  words.textContent = places > 0 ? "up " : "down ";
  move.replaceChildren(words, String(Math.abs(places)));
}
