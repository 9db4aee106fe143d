// Follows one submission until it is finished: told by the stream, read from the API.
import { connect } from "./hub.js";
import { isFinal } from "./pills.js";

// The stream tells the status at once; the table of problems is only in the API's answer.
// Should the stream be silent although it is open, asking now and then ends the waiting too.
const ASK_EVERY = 3000;
// A model's progress is told by the answers alone.
const ASK_OF_A_RUN_EVERY = 1000;

export function watch({ live, cursor, api, id, show }) {
  let done = false;

  async function ask() {
    if (done) return;
    const response = await fetch(api, { headers: { Accept: "application/json" }, cache: "no-store" });
    if (!response.ok) throw new Error(`the submission answers ${response.status}`);
    const state = await response.json();
    if (done) return;
    done = isFinal(state.status);
    if (done) {
      clearInterval(asking);
      stream.close();
    }
    show(state);
    if (state.run && !done && pace !== ASK_OF_A_RUN_EVERY) keepAsking(ASK_OF_A_RUN_EVERY);
  }

  let asking;
  let pace = 0;
  function keepAsking(every) {
    clearInterval(asking);
    pace = every;
    asking = setInterval(() => ask().catch(() => {}), every);
  }

  keepAsking(ASK_EVERY);
  const stream = connect({
    url: live,
    cursor,
    on: {
      submission: (event) => {
        if (event.id !== id || done) return;
        if (isFinal(event.status)) ask().catch(() => {});
        else show(event);
      },
      reset: ask,
    },
    poll: ask,
  });
  ask().catch(() => {});
}
