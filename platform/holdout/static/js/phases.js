// What the large clock of a room says: a countdown or a word, a line under it, a remark.
import { left, now, showTime } from "./times.js";

const LAST_MINUTES = 10 * 60_000;
const LAST_MINUTE = 60_000;

// The organiser's clock may be due before the news of it has come.
export function phaseAt({ phase, opens_at: opens, closes_at: closes }, at) {
  if (phase === "upcoming" && opens && at >= Date.parse(opens)) {
    return phaseAt({ phase: "open", closes_at: closes }, at);
  }
  if (["open", "paused"].includes(phase) && closes && at >= Date.parse(closes)) return "closed";
  return phase;
}

// Until the final board is published a frozen one stays as it was, also after the end. The moment
// may pass without any news; one that was closed before it came has kept nothing back.
function frozenSince({ frozen_since: told, freezes_at: freezes, closes_at: closes, published_at: published }, at) {
  const since = told ?? freezes;
  if (!since || published || at < Date.parse(since)) return null;
  return closes && Date.parse(since) >= Date.parse(closes) ? null : since;
}

function frozen(clock, at) {
  const since = frozenSince(clock, at);
  return since ? { note: ["Board frozen since ", since], isFrozen: true } : {};
}

function whileOpen(clock, at) {
  const { closes_at: closes, freezes_at: freezes } = clock;
  if (!closes) return { word: "Open", line: ["with no closing time"] };
  const note = freezes ? ["The board freezes at ", freezes] : null;
  return { until: closes, line: ["until submissions close at ", closes], note, ...frozen(clock, at) };
}

// The end does not wait for whoever paused.
function whilePaused(clock, at) {
  const { closes_at: closes } = clock;
  const line = closes ? `${left(Date.parse(closes) - at)} left, the clock runs on` : "submissions go on in a moment";
  return { word: "Paused", line: [line], ...frozen(clock, at) };
}

function onceRevealed(clock, at) {
  if (clock.published_at) return { word: "Final", line: ["the private images have decided"] };
  return { word: "Closed", line: ["results at the ceremony"], ...frozen(clock, at) };
}

const WORDS = {
  draft: () => ({ word: "Draft", line: ["only organisers see this page"] }),
  upcoming: ({ opens_at: opens }) => ({ until: opens, line: ["until submissions open at ", opens] }),
  open: whileOpen,
  paused: whilePaused,
  closed: (clock, at) => ({ word: "Closed", line: ["results at the ceremony"], ...frozen(clock, at) }),
  revealed: onceRevealed,
};

// `until` is a moment to count towards, `word` stands where there is none.
export const wordsFor = (clock, at) => WORDS[phaseAt(clock, at)](clock, at);

const secondsOf = (milliseconds) => String(Math.max(0, Math.ceil(milliseconds / 1000)));

function write(element, parts) {
  element.hidden = !parts;
  if (!parts) return;
  const [words, moment] = parts;
  const nodes = [words];
  if (moment) {
    const time = document.createElement("time");
    time.dataset.show = "short";
    showTime(time, moment);
    nodes.push(time);
  }
  element.replaceChildren(...nodes);
}

export class RoomClock {
  // `onChange` is called whenever other words stand there.
  constructor(element, clock, onChange = () => {}) {
    this.element = element;
    this.onChange = onChange;
    this.parts = {
      big: element.querySelector("[data-big]"),
      line: element.querySelector("[data-line]"),
      note: element.querySelector("[data-note]"),
    };
    this.clock = clock;
    this.shown = "";
    setInterval(() => this.tick(), 250);
  }

  set(news) {
    this.clock = { ...this.clock, ...news };
    this.tick();
  }

  get isOver() {
    return ["closed", "revealed"].includes(phaseAt(this.clock, now()));
  }

  tick() {
    const words = wordsFor(this.clock, now());
    const remaining = words.until ? Date.parse(words.until) - now() : Infinity;
    const isLast = remaining <= LAST_MINUTE;
    const big = words.until ? (isLast ? secondsOf(remaining) : left(remaining)) : words.word;
    if (this.parts.big.textContent !== big) this.parts.big.textContent = big;
    const phase = isLast ? "last-minute" : remaining <= LAST_MINUTES ? "last-minutes" : words.until ? "calm" : "word";
    // Without the day the moments would go stale over midnight.
    const key = JSON.stringify([words, phase, new Date(now()).getDate()]);
    if (key === this.shown) return;
    this.shown = key;
    this.element.dataset.phase = phase;
    this.element.dataset.state = phaseAt(this.clock, now());
    this.element.dataset.frozen = words.isFrozen ? "yes" : "no";
    write(this.parts.line, words.line);
    write(this.parts.note, words.note);
    this.onChange();
  }
}
