// Moments in the reader's own zone, relative ones that stay true, and the countdown.
// The server's clock decides: a laptop whose own is wrong still counts down to the right second.
let offset = Date.parse(document.body.dataset.now) - Date.now() || 0;

// For pages that stay open for days, whose own clock may be set meanwhile.
export function setClock(iso) {
  offset = Date.parse(iso) - Date.now() || 0;
}

export const now = () => Date.now() + offset;

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const dayAndYear = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const full = new Intl.DateTimeFormat("en-GB", {
  day: "numeric", month: "short", year: "numeric",
  hour: "2-digit", minute: "2-digit", timeZoneName: "short",
});

const dateOf = (at) => {
  const isThisYear = at.getFullYear() === new Date(now()).getFullYear();
  return (isThisYear ? day : dayAndYear).format(at);
};

export function ago(at) {
  const seconds = (now() - at) / 1000;
  if (seconds < 45) return "now";
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

const ways = {
  ago,
  clock: (at) => clock.format(at),
  date: dateOf,
  short: (at) => (at.toDateString() === new Date(now()).toDateString() ? clock.format(at) : dateOf(at)),
  full: (at) => full.format(at),
};

// Writes a time element; also used for rows that arrive later.
export function showTime(element, iso = element.dateTime) {
  if (!iso) return;
  const at = new Date(iso);
  element.dateTime = iso;
  element.title = full.format(at);
  const words = ways[element.dataset.show](at);
  if (element.textContent !== words) element.textContent = words;
}

export function left(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds >= 2 * 86400) return `${Math.floor(seconds / 86400)} days`;
  const two = (number) => String(number).padStart(2, "0");
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

const LAST_MINUTES = 10 * 60 * 1000;

function tick(element) {
  if (!element.dateTime) return;
  const remaining = Date.parse(element.dateTime) - now();
  const words = left(remaining);
  if (element.textContent !== words) element.textContent = words;
  const head = element.closest("[data-phase]");
  if (!head) return;
  const phase = remaining <= 0 ? "over" : remaining < LAST_MINUTES ? "last-minutes" : "calm";
  if (head.dataset.phase !== phase) head.dataset.phase = phase;
}

export const tickAll = () => document.querySelectorAll("time[data-countdown]").forEach(tick);

export function keepTimesFresh() {
  const refresh = () => document.querySelectorAll("time[data-show]").forEach((each) => showTime(each));
  refresh();
  setInterval(refresh, 20_000);
  tickAll();
  setInterval(tickAll, 1000);
}
