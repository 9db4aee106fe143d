// The ceremony: one key a step, from the last place up to the winner. The place in it is in the
// address, so that a reload goes on where it was.
import { placesOf, stepsOf } from "./chapters.js";
import { Field } from "./field.js";
import { Podium } from "./podium.js";
import { offerPublishing } from "./publish.js";
import { furnish, isForThePage } from "./room.js";
import { Slope } from "./slope.js";
import { Spotlight, spoken } from "./spotlight.js";
import { keepTimesFresh } from "./times.js";

const PACE = 2500;

const find = (name) => document.querySelector(`[data-${name}]`);
const plural = (number) => `${number.toLocaleString("en")} ${number === 1 ? "team" : "teams"}`;

class Ceremony {
  constructor(final, ranked, publishing) {
    Object.assign(this, { final, ranked, publishing, ...stepsOf(ranked), now: 0, pace: 0 });
    this.stage = find("stage");
    this.slope = new Slope(find("slope"), this.finalists);
    this.podium = new Podium(find("podium"), this.finalists);
    this.places = new Field(find("places"));
    this.spotlight = new Spotlight(find("spotlight"));
  }

  get last() {
    return this.steps.length - 1;
  }

  sharersOf(row) {
    return this.ranked.filter((other) => other.rank === row.rank);
  }

  // --- what a step looks like; each returns what is said to those who do not see it ---

  opening() {
    const images = this.final.private_rows.toLocaleString("en");
    const below = this.field.length
      ? `${placesOf(this.field)} first, then the first ${this.finalists.length}, one by one.`
      : `Public ranks on the left; the private ${images} decide.`;
    this.spotlight.say("The final ranks", plural(this.ranked.length), below, false);
    return `The ceremony begins: ${plural(this.ranked.length)}.`;
  }

  group({ rows }, isFresh) {
    this.places.show(rows, isFresh);
    find("heading").textContent = placesOf(rows);
    return `${placesOf(rows)}: ${rows.map((row) => `${row.rank} ${row.team}`).join(", ")}.`;
  }

  lineUp() {
    const words = `The first ${this.finalists.length}`;
    this.spotlight.say("Now", words, "on the left as the public board had them", false);
    return `${words}, as the public board had them.`;
  }

  team({ row, place }, isFresh) {
    const sharers = this.sharersOf(row);
    if (place === 0 && sharers.length > 1) this.spotlight.winners(sharers, isFresh);
    else this.spotlight.team(row, sharers, isFresh);
    return spoken(row, sharers);
  }

  go(to, isFresh = false) {
    this.now = Math.min(Math.max(to, 0), this.last);
    const step = this.steps[this.now];
    const isApart = step.kind === "group" || (step.kind === "opening" && this.field.length > 0);
    this.stage.dataset.scene = isApart ? step.kind : "lines";
    find("said").textContent = this[step.kind](step, isFresh);
    const count = step.kind === "team" ? this.finalists.length - step.place : 0;
    this.slope.draw();
    this.slope.show(count, isFresh);
    const told = new Set(this.finalists.slice(this.finalists.length - count));
    this.podium.show(told, isFresh && step.kind === "team" ? step.row : null);
    find("count").textContent = `${this.now} of ${this.last}`;
    this.publishing.show(this.now === this.last);
    history.replaceState(null, "", this.now ? `#${this.now}` : location.pathname);
  }

  // --- moving on, by hand or by itself ---

  next() {
    if (this.now < this.last) this.go(this.now + 1, true);
  }

  jump(to) {
    this.stop();
    this.go(to);
  }

  forward() {
    this.stop();
    this.next();
  }

  stop() {
    clearInterval(this.pace);
    this.pace = 0;
    find("auto").textContent = "auto";
  }

  play() {
    if (this.pace) {
      this.stop();
      return;
    }
    if (this.now === this.last) this.go(0);
    find("auto").textContent = "stop";
    this.pace = setInterval(() => {
      this.next();
      if (this.now === this.last) this.stop();
    }, PACE);
  }
}

function keysOf(ceremony) {
  const forward = () => ceremony.forward();
  const back = () => ceremony.jump(ceremony.now - 1);
  const begin = () => ceremony.jump(0);
  return {
    " ": forward, Enter: forward, ArrowRight: forward, ArrowDown: forward, PageDown: forward,
    ArrowLeft: back, ArrowUp: back, PageUp: back, Backspace: back,
    r: begin, Home: begin, End: () => ceremony.jump(ceremony.last),
    a: () => ceremony.play(), p: () => ceremony.publishing.press(),
  };
}

function listen(ceremony) {
  const keys = keysOf(ceremony);
  const fromAddress = () => ceremony.jump(Number(location.hash.slice(1)) || 0);
  addEventListener("keydown", (event) => {
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act || !isForThePage(event)) return;
    event.preventDefault();
    // A key that is held down must not race through the ceremony.
    if (!event.repeat) act();
  });
  addEventListener("click", (event) => isForThePage(event) && ceremony.forward());
  addEventListener("hashchange", fromAddress);
  fromAddress();
}

furnish();
keepTimesFresh();
const final = JSON.parse(document.getElementById("final").textContent);
const ranked = final.rows.filter((row) => row.rank !== null);
const publishing = offerPublishing();
if (ranked.length) listen(new Ceremony(final, ranked, publishing));
else publishing.show(true);
