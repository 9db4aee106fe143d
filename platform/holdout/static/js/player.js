// The controls of a replay: a slider over the board's whole life, play and pause, steps from one
// change of the board to the next. Tells `onMove({ time, position })` where it stands.
import { clockOf, dayOf, momentOf } from "./axes.js";

const LONGEST_FRAME = 0.25; // seconds: a page that was hidden goes on where it was
const CALM_FRAME = 1000; // milliseconds, where motion is to be reduced
const WHOLE_LIFE = 60; // seconds that the speed "1 min" takes for everything
const LONG_LIFE = 12 * 3600; // seconds from which on that speed is the one to begin with

const calm = matchMedia("(prefers-reduced-motion: reduce)");

export class Player {
  constructor(root, timeline, onMove) {
    this.onMove = onMove;
    this.slider = root.querySelector("[data-slider]");
    this.button = root.querySelector("[data-play]");
    this.events = root.querySelector("[data-events]");
    this.speeds = root.querySelector("[data-speeds]");
    this.clock = root.querySelector("[data-clock]");
    this.date = root.querySelector("[data-date]");
    this.isPlaying = false;
    this.time = Infinity; // at the end: what stands there is the board as it is
    this.renew(timeline);
    if (timeline.to - timeline.from > LONG_LIFE) this.speeds.querySelector("[value=life]").checked = true;
    this.listen(root);
  }

  // The same life, a little longer. Who stood at the end stays there.
  renew(timeline) {
    const wasAtEnd = !this.timeline || this.time >= this.timeline.to;
    this.timeline = timeline;
    this.slider.min = Math.floor(timeline.from);
    this.slider.max = Math.ceil(timeline.to);
    this.drawEvents();
    this.seek(wasAtEnd && !this.isPlaying ? timeline.to : this.time);
  }

  listen(root) {
    this.slider.addEventListener("input", () => {
      const wanted = Number(this.slider.value);
      this.pause();
      this.seek(wanted);
    });
    this.button.addEventListener("click", () => this.toggle());
    for (const button of root.querySelectorAll("[data-step]")) {
      button.addEventListener("click", () => this.step(Number(button.dataset.step)));
    }
    document.addEventListener("keydown", (event) => this.press(event));
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const act = { " ": () => this.toggle(), ArrowLeft: () => this.step(-1), ArrowRight: () => this.step(1) }[event.key];
    if (!act || isTaken(event.target, event.key)) return;
    event.preventDefault();
    act();
  }

  get speed() {
    const { value } = this.speeds.querySelector(":checked");
    return value === "life" ? (this.timeline.to - this.timeline.from) / WHOLE_LIFE : Number(value);
  }

  toggle() {
    if (this.isPlaying) this.pause();
    else this.play();
  }

  play() {
    if (this.time >= this.timeline.to) this.seek(this.timeline.from);
    this.isPlaying = true;
    this.button.textContent = "Pause";
    let last = performance.now();
    const frame = () => {
      if (!this.isPlaying) return;
      const now = performance.now();
      const longest = calm.matches ? Infinity : LONGEST_FRAME;
      this.seek(this.time + Math.min((now - last) / 1000, longest) * this.speed);
      last = now;
      if (this.time >= this.timeline.to) this.pause();
      else this.waiting = soon(frame);
    };
    this.waiting = soon(frame);
  }

  pause() {
    this.waiting?.();
    this.isPlaying = false;
    this.button.textContent = "Play";
    this.tell();
  }

  seek(time) {
    const { from, to } = this.timeline;
    this.time = Math.min(Math.max(time, from), to);
    this.position = this.timeline.positionAt(this.time);
    this.tell();
  }

  // To the next change of the board, or the last one. What happened in the same second are
  // several changes: the position knows them apart where the time does not.
  step(direction) {
    this.pause();
    const first = this.timeline.positionAt(this.timeline.from);
    const position = this.position + direction;
    if (position < first || position > this.timeline.events.length) {
      this.seek(direction < 0 ? this.timeline.from : this.timeline.to);
      return;
    }
    const isOnIt = direction > 0 || this.time <= this.timeline.timeOf(this.position);
    this.position = isOnIt ? position : this.position;
    this.time = this.timeline.timeOf(this.position);
    this.tell();
  }

  tell() {
    const { from, to } = this.timeline;
    this.slider.value = Math.round(this.time);
    this.slider.setAttribute("aria-valuetext", momentOf(this.time, from, to));
    this.clock.textContent = clockOf(this.time);
    this.date.textContent = dayOf(this.time);
    this.clock.dateTime = new Date(this.time * 1000).toISOString();
    this.onMove({ time: this.time, position: this.position, isPlaying: this.isPlaying });
  }

  // One mark for every moment at which the board changed, a long one where the lead did.
  drawEvents() {
    const { from, to, events } = this.timeline;
    const x = (at) => Math.round(((at - from) / (to - from)) * 1000);
    const places = (moments) => [...new Set(moments.filter((at) => at >= from).map(x))];
    const [all, leads] = this.events.querySelectorAll("path");
    all.setAttribute("d", places(events.map(({ at }) => at)).map((at) => `M${at} 10V16`).join(""));
    leads.setAttribute("d", places(this.timeline.leads()).map((at) => `M${at} 2V16`).join(""));
  }
}

// Keys that the element in focus needs for itself.
function isTaken(target, key) {
  if (target.matches("[type=radio]")) return key !== " ";
  if (target.matches("[data-slider]")) return false;
  return target.matches("button, summary") ? key === " " : target.matches("input, select, textarea, .table-wrap");
}

function soon(frame) {
  if (calm.matches) {
    const timer = setTimeout(frame, CALM_FRAME);
    return () => clearTimeout(timer);
  }
  const request = requestAnimationFrame(frame);
  return () => cancelAnimationFrame(request);
}
