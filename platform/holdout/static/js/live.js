// The one live connection of a page: Server-Sent Events, and polling where they cannot be had.
//
//   connect({ url, cursor, on: { board, submission, reset, state }, poll })
//
// EventSource comes back by itself with the last event's id; when the server refuses it outright,
// or cannot be reached for a while, `poll` is called every few seconds until the stream is back.
const RETRY = 4000;
const POLL = 5000;
const GIVE_UP = 3;

// Forty browsers that lost the same server must not come back in the same instant.
const jittered = (milliseconds) => milliseconds * (0.7 + Math.random() * 0.6);

export function connect({ url, cursor, on, poll }) {
  let after = cursor;
  let failures = 0;
  let polling = 0;
  let isClosed = false;
  let source;

  const tell = (state) => on.state?.(state);

  function receive(name) {
    source.addEventListener(name, (event) => {
      if (event.lastEventId) after = event.lastEventId;
      on[name]?.(JSON.parse(event.data));
    });
  }

  function open() {
    if (isClosed) return;
    source = new EventSource(`${url}?after=${encodeURIComponent(after)}`);
    ["board", "submission", "reset"].forEach(receive);
    source.addEventListener("open", () => {
      failures = 0;
      clearTimeout(polling);
      polling = 0;
      tell("live");
    });
    source.addEventListener("error", () => {
      failures += 1;
      tell(polling ? "polling" : "reconnecting");
      if (failures >= GIVE_UP || source.readyState === EventSource.CLOSED) startPolling();
      if (source.readyState === EventSource.CLOSED) setTimeout(open, jittered(RETRY * Math.min(failures, 8)));
    });
  }

  function startPolling() {
    if (polling || !poll) return;
    tell("polling");
    const again = async () => {
      try {
        await poll();
      } catch {
        // The site is away altogether; the next round asks again.
      }
      if (polling) polling = setTimeout(again, jittered(POLL));
    };
    polling = setTimeout(again, 0);
  }

  function close() {
    isClosed = true;
    clearTimeout(polling);
    polling = 0;
    source.close();
  }

  open();
  // A page that is left must not hold its connection: browsers allow six per site.
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => {
    if (event.persisted) open();
  });
  return { close };
}

const WORDS = { live: "Live", reconnecting: "Reconnecting", polling: "Polling every few seconds" };

export function showState(element, state) {
  if (!element) return;
  element.dataset.liveState = state;
  element.textContent = WORDS[state];
}
