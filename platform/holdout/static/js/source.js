// One EventSource: it comes back by itself with the last event's id, and is opened anew when the
// server refused it outright. Tells "live", "reconnecting" or "polling" (the stream is away).
const RETRY = 4000;
const GIVE_UP = 3;

// Forty browsers that lost the same server must not come back in the same instant.
export const jittered = (milliseconds) => milliseconds * (0.7 + Math.random() * 0.6);

export function openSource({ url, after, hear, tell }) {
  let failures = 0;
  let again = 0;
  let source;

  function receive(name) {
    source.addEventListener(name, ({ data, lastEventId }) => hear({ name, data, id: lastEventId }));
  }

  function open() {
    source = new EventSource(`${url}?after=${encodeURIComponent(after())}`);
    ["board", "submission", "reset"].forEach(receive);
    source.addEventListener("open", () => {
      failures = 0;
      tell("live");
    });
    source.addEventListener("error", () => {
      failures += 1;
      const isRefused = source.readyState === EventSource.CLOSED;
      if (isRefused || failures >= GIVE_UP) tell("polling");
      // The first is nothing to speak of: the server ends every stream after a few minutes.
      else if (failures > 1) tell("reconnecting");
      if (isRefused) again = setTimeout(open, jittered(RETRY * Math.min(failures, 8)));
    });
  }

  open();
  return () => {
    clearTimeout(again);
    source.close();
  };
}
