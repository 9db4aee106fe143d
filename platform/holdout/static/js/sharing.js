// One stream per browser and challenge: over HTTP/1.1 a browser opens six connections to a site,
// and a seventh tab with a stream of its own would wait for ever.
//
// The tab that holds the lock leads: it has the stream and tells the others what comes over it.
// When it goes, the browser hands the lock to the next one, which opens the stream from where it
// stands itself. A tab says what it knows already (`after`) and is told the rest, or, where the
// leader does not have that any more, is told to start afresh.
const KEPT = 200;

export const canShare = () => Boolean(navigator.locks && globalThis.BroadcastChannel);

const numbers = (id) => id.split("-").map(Number);

export function isAfter(id, other) {
  const [[time, count], [otherTime, otherCount]] = [numbers(id), numbers(other)];
  return time > otherTime || (time === otherTime && count > otherCount);
}

export function share({ name, after, hear, tell, open }) {
  const channel = new BroadcastChannel(name);
  const me = crypto.randomUUID();
  const leaving = new AbortController();
  let resign = () => {};
  let leads = false;
  let since = ""; // the leader knows every event after this one
  let kept = [];
  let state = "";

  const ask = () => channel.postMessage({ from: me, ask: after() });

  function pass(event) {
    if (event.name === "reset") {
      since = event.id;
      kept = [];
    } else if (event.id) {
      since ||= event.id;
      kept.push(event);
      if (kept.length > KEPT) since = kept.shift().id;
    }
    channel.postMessage({ event });
    hear(event);
  }

  function say(news) {
    state = news;
    channel.postMessage({ state });
    tell(state);
  }

  function answer(to, place) {
    if (state) channel.postMessage({ to, state });
    const isKnown = place && since && !isAfter(since, place);
    const missed = isKnown ? kept.filter(({ id }) => isAfter(id, place)) : [{ name: "reset", data: "{}" }];
    for (const event of missed) channel.postMessage({ to, event });
  }

  channel.addEventListener("message", ({ data }) => {
    if (data.to && data.to !== me) return;
    if (data.ask !== undefined && leads) answer(data.from, data.ask);
    if (data.leads) ask();
    if (data.event) hear(data.event);
    if (data.state) tell(data.state);
  });

  function lead() {
    leads = true;
    since = after();
    const close = open({ hear: pass, tell: say });
    channel.postMessage({ leads });
    return new Promise((done) => { resign = done; }).finally(close);
  }

  navigator.locks
    .request(name, { signal: leaving.signal }, () => (leaving.signal.aborted ? null : lead()))
    .catch((error) => {
      if (error.name !== "AbortError") throw error;
    });
  ask();

  return () => {
    leads = false;
    leaving.abort();
    channel.close();
    resign();
  };
}
