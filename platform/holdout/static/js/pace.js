// At fifty scores a second nobody sees each one: what comes together is done together.
const SHORTEST = 120; // milliseconds between two rounds; the first one comes with the next frame
const SHARE = 3; // a slow machine rests so many times as long as a round took it, painting included
const SLOW = 60; // milliseconds of a round
const RECENT = 1500;

// Gives what has come since the last round to `act`, at most one round per frame, and says whether
// this is a rush that the machine has trouble to follow.
export function gathering(act) {
  let waiting = [];
  let due = 0;
  let last = { begun: -Infinity, took: 0 };
  let isAsked = false;

  function round() {
    isAsked = false;
    const begun = performance.now();
    const isRush = last.took > SLOW && begun - last.begun < RECENT;
    const gathered = waiting;
    waiting = [];
    due = begun + SHORTEST;
    act(gathered, isRush);
    requestAnimationFrame(() => setTimeout(() => {
      const took = performance.now() - begun;
      // While rows jump one does not see what a slide would cost: slowly back to it.
      last = { begun, took: isRush ? Math.max(took, last.took * 0.9) : took };
      due = Math.max(due, begun + SHARE * took);
    }));
  }

  function ask() {
    isAsked = true;
    const pause = due - performance.now();
    // A page out of view is given no frames, and needs none.
    const next = () => (document.hidden ? round() : requestAnimationFrame(round));
    if (pause > 0) setTimeout(next, pause);
    else next();
  }

  return (event) => {
    waiting.push(event);
    if (!isAsked) ask();
  };
}

// Does it at most once in that time, and once more for what came meanwhile. Spread over as long
// again where many pages would do it at the same moment.
export function sparing(pause, act, isSpread = false) {
  let timer = 0;
  let isWanted = false;

  function run() {
    timer = 0;
    isWanted = false;
    act();
    if (!isSpread) timer = setTimeout(after, pause);
  }

  function after() {
    timer = 0;
    if (isWanted) run();
  }

  return () => {
    isWanted = true;
    if (timer) return;
    if (isSpread) timer = setTimeout(run, pause * (1 + Math.random()));
    else run();
  };
}
