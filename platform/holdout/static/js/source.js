// One stream: an EventSource that is watched, and replaced when nothing comes over it.
//
// A stream that lasted a while and ends has been ended by the server, and the browser comes back
// when the server told it to. One that is refused, held back by a proxy, cut off at once or silent
// is opened anew, later and later. Tells "live" when bytes arrive, else "reconnecting", or "polling"
// where the page had better ask for itself meanwhile.

// Every kind of event that the server sends. Pages name the ones they care for.
export const EVENTS = ["board", "submission", "statistics", "announcement", "clock", "allowance", "host", "reset"];

const LOOK = 5000; // how often the silence is measured
const OPEN_WITHIN = 15_000; // a proxy that collects the whole answer first lets none of it through
const SILENCE = 40_000; // the server gives a sign of life every 15 seconds
const BACK_WITHIN = 90_000; // a restarted server tells its crowd to come back one after another
const STEADY = 30_000; // a stream that lasted so long was a good one
const FIRST_PAUSE = 1000; // doubled with every failure
const LONGEST_PAUSE = 120_000;
const GIVE_UP = 3; // failures in a row

// Forty browsers that lost the same server must not come back in the same instant.
export const jittered = (milliseconds) => milliseconds * (0.7 + Math.random() * 0.6);

export function openSource({ url, after, hear, tell }) {
  let source;
  let again = 0; // the timer until the next attempt
  let failures = 0;
  let begun = 0; // when the first bytes came
  let heard = 0; // when the last did
  let patience = 0;

  function wait(milliseconds) {
    heard = Date.now();
    patience = milliseconds;
  }

  function alive() {
    wait(SILENCE);
    if (begun) return;
    begun = heard;
    tell("live");
  }

  function receive(name) {
    source.addEventListener(name, ({ data, lastEventId }) => {
      alive();
      hear({ name, data, id: lastEventId });
    });
  }

  function open() {
    again = 0;
    wait(OPEN_WITHIN);
    source = new EventSource(`${url}?after=${encodeURIComponent(after())}`);
    EVENTS.forEach(receive);
    source.addEventListener("message", alive); // the heartbeat is an event without a name
    source.addEventListener("error", () => lost());
  }

  function lost({ isSilent = false } = {}) {
    const isHeldBack = isSilent && !begun;
    const isRefused = source.readyState === EventSource.CLOSED;
    failures = begun && Date.now() - begun > STEADY ? 0 : failures + 1;
    begun = 0;
    if (!failures && !isRefused && !isSilent) {
      wait(BACK_WITHIN); // the browser comes back by itself
      return;
    }
    source.close();
    tell(isRefused || isHeldBack || failures >= GIVE_UP ? "polling" : "reconnecting");
    again = setTimeout(open, jittered(Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** failures)));
  }

  // By the clock, not by a timer for each event: a laptop that slept notices at its first look.
  const watch = setInterval(() => {
    if (!again && Date.now() - heard > patience) lost({ isSilent: true });
  }, LOOK);

  function hurry() {
    if (!again) return;
    clearTimeout(again);
    open();
  }

  addEventListener("online", hurry);
  open();
  return () => {
    removeEventListener("online", hurry);
    clearInterval(watch);
    clearTimeout(again);
    source.close();
  };
}
