// Round numbers for the two axes of a chart: values in steps of 1, 2 or 5, moments in the
// reader's own zone.
const HOUR = 3600;
const DAY = 24 * HOUR;
const STEPS = [
  60, 120, 300, 600, 900, 1800, HOUR, 2 * HOUR, 3 * HOUR, 4 * HOUR, 6 * HOUR, 12 * HOUR,
  DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY, 56 * DAY, 182 * DAY, 364 * DAY,
];

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const weekday = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", year: "numeric" });

const dateOf = (at) => new Date(at * 1000);
export const clockOf = (at) => clock.format(dateOf(at));
export const dayOf = (at) => weekday.format(dateOf(at));
// A moment of a life that may have lasted for days.
export const momentOf = (at, from, to) =>
  to - from > DAY ? `${day.format(dateOf(at))}, ${clockOf(at)}` : clockOf(at);

export function valueTicks(low, high, most) {
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough * 0.999);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const ticks = [];
  for (let n = Math.ceil(low / step - 1e-9); n <= high / step + 1e-9; n += 1) {
    ticks.push({ value: n * step, label: (n * step).toFixed(decimals) });
  }
  return ticks;
}

// Counted from local midnight with the calendar's own setters, which know of summer time.
export function timeTicks(from, to, most) {
  const step = STEPS.find((each) => (to - from) / each <= most) ?? STEPS.at(-1);
  const midnight = dateOf(from);
  midnight.setHours(0, 0, 0, 0);
  const ticks = [];
  for (let n = 0; ; n += 1) {
    const tick = new Date(midnight);
    if (step >= DAY) tick.setDate(tick.getDate() + (n * step) / DAY);
    else tick.setMinutes((n * step) / 60);
    const at = tick.getTime() / 1000;
    if (at > to) return ticks;
    const isDate = step >= DAY || (to - from > DAY && !tick.getHours() && !tick.getMinutes());
    if (at >= from) ticks.push({ at, label: (isDate ? day : clock).format(tick) });
  }
}
