// What a page hears live: Server-Sent Events, and polling where they cannot be had.
//
//   connect({ url, cursor, on: { board, submission, …, reset, state }, poll })
//
// `on` may name any of the EVENTS in source.js. `reset` says that too much was missed: the handler fetches what it shows, and is called again,
// later and later, until that succeeds. `poll` is called every few seconds while the stream is away.
import { canShare, isAfter, share } from "./sharing.js";
import { jittered, openSource } from "./source.js";

const POLL = 5000;
const SPREAD = 3000;
const LONGEST = 60_000;

// All pages are told to start afresh at once, after a restart: they fetch spread over a while.
function later(restore) {
  let timer = 0;
  let failures = 0;
  async function run() {
    timer = 0;
    try {
      await restore();
      failures = 0;
    } catch {
      failures += 1;
      ask();
    }
  }
  // The server knows how many they are, and says within how many milliseconds they may come.
  function ask(within = 0) {
    const pause = Math.min(LONGEST, SPREAD * (2 ** failures - 1));
    timer ||= setTimeout(run, pause + Math.random() * Math.max(SPREAD, within));
  }
  return { ask, cancel: () => { clearTimeout(timer); timer = 0; } };
}

function poller(poll) {
  let timer = 0;
  let turn = 0; // which start the running rounds belong to
  let isOn = false;
  async function go(mine, failures) {
    let missed = failures;
    try {
      await poll();
      missed = 0;
    } catch {
      missed += 1; // the site is away altogether
    }
    const pause = jittered(Math.min(LONGEST, POLL * 2 ** missed));
    if (turn === mine) timer = setTimeout(go, pause, mine, missed);
  }
  return {
    start() {
      if (isOn || !poll) return;
      isOn = true;
      turn += 1;
      go(turn, 0);
    },
    stop() {
      isOn = false;
      turn += 1;
      clearTimeout(timer);
    },
  };
}

// Whoever signs in or joins a team in one tab hears more there than another tab's stream tells.
const audience = () => document.querySelector("[data-audience]")?.dataset.audience ?? "";

export function connect({ url, cursor, on, poll }) {
  let after = cursor;
  let leave = null;
  let isClosed = false;
  const restoring = later(async () => on.reset?.());
  const polling = poller(poll);

  function hear({ name, data, id }) {
    const isReset = name === "reset"; // also says where we stand from now on
    if (id && after && !isReset && !isAfter(id, after)) return;
    if (id) after = id;
    if (isReset) restoring.ask(JSON.parse(data).within);
    else on[name]?.(JSON.parse(data));
  }

  function tell(state) {
    if (state === "polling") polling.start();
    if (state === "live") polling.stop();
    on.state?.(state);
  }

  const place = () => after;
  const open = (ears) => openSource({ url, after: place, ...ears });

  function enter() {
    if (isClosed || leave) return;
    if (canShare()) leave = share({ name: `holdout ${url} ${audience()}`, after: place, hear, tell, open });
    else if (!document.hidden) leave = open({ hear, tell });
  }

  function exit() {
    leave?.();
    leave = null;
    polling.stop();
  }

  enter();
  // A page that is left must not hold its connection: browsers allow six per site.
  addEventListener("pagehide", exit);
  addEventListener("pageshow", (event) => event.persisted && enter());
  // Without sharing (plain http to another machine has no locks) only the tabs in view have one.
  document.addEventListener("visibilitychange", () => {
    if (canShare()) return;
    if (document.hidden) exit();
    else enter();
  });

  return {
    close() {
      isClosed = true;
      restoring.cancel();
      exit();
    },
  };
}

const WORDS = { live: "Live", reconnecting: "Reconnecting", polling: "Polling every few seconds" };

export function showState(element, state) {
  if (!element) return;
  element.dataset.liveState = state;
  element.textContent = WORDS[state];
}
