// How far a model has come: the card of _running.html, filled from the API's `run`.
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

const STAGES = {
  to_try: "Waits for its dry run",
  trying: "Dry run on training images",
  waiting: "In the line",
  running: "Running over the test images",
  done: "Run",
  ended: "Ended",
};
const FACTS = {
  images_per_second: whole,
  expected_seconds: tenths,
  seconds: tenths,
  parameters: whole,
  macs: whole,
  batch_size: whole,
};

function duration(seconds) {
  if (seconds < 5) return "a moment";
  if (seconds < 90) return `about ${Math.round(seconds)} s`;
  return `about ${Math.round(seconds / 60)} min`;
}

function words({ stage, place }) {
  if (stage === "to_try") return "Shapes and time are tried first, on a few training images. So far no attempt is spent.";
  if (stage === "trying") return "A model that does not keep to the rules is refused now, and costs no attempt.";
  if (stage === "waiting" && place) {
    return place.position === 1 && place.seconds < 5
      ? "It is the next."
      : `${place.position === 1 ? "It is the next" : `Number ${place.position} in the line`}; it begins in ${duration(place.seconds)}.`;
  }
  if (stage === "running") return "What it answers is scored like a file, once it has seen every image.";
  return "";
}

// Of the dry run they say nothing about the run over all images.
const OF_THE_WHOLE = ["seconds", "batch_size"];

function showFacts(card, run) {
  const isOver = ["done", "ended"].includes(run.stage);
  for (const line of card.querySelectorAll("[data-run-fact]")) {
    const name = line.dataset.runFact;
    const value = run[name];
    line.hidden = value === null || value === "" || (!isOver && OF_THE_WHOLE.includes(name));
    if (!line.hidden) line.querySelector("span").textContent = FACTS[name]?.format(value) ?? value;
  }
}

function showProgress(card, run) {
  const bar = card.querySelector("[data-run-progress]");
  const isMoving = ["trying", "running"].includes(run.stage) && run.images_total > 0;
  bar.hidden = !isMoving;
  bar.max = run.images_total || 1;
  bar.value = run.images_done;
  card.querySelector("[data-run-share]").textContent = isMoving
    ? `${whole.format(run.images_done)} of ${whole.format(run.images_total)} images`
    : "";
}

// `state` is the API's submission; a file of predictions has no run.
export function showRun(card, state) {
  const { run } = state;
  if (!run) return;
  const isOver = ["done", "ended"].includes(run.stage);
  card.hidden = run.stage === "ended" && run.seconds === null;
  card.dataset.cancel ||= `/api/submissions/${state.id}/cancel/`;
  card.querySelector("[data-run-stage]").textContent = STAGES[run.stage];
  card.querySelector("[data-run-words]").textContent = words(run);
  showProgress(card, run);
  showFacts(card, run);
  card.querySelector("[data-run-cancel]").hidden = isOver;
  card.querySelector("[data-run-price]").textContent =
    run.stage === "running" ? "Its attempt stays spent: the run has begun." : "Its attempt is given back.";
}

export function hideRun(card) {
  card.hidden = true;
  card.dataset.cancel = "";
}

// The button takes the model back; `show` gets the submission as it is then.
export function offerCancel(card, show) {
  const button = card.querySelector("[data-run-cancel] button");
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const token = document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
      const response = await fetch(card.dataset.cancel, {
        method: "POST",
        headers: { "X-CSRFToken": token, Accept: "application/json" },
      });
      if (response.ok) show(await response.json());
    } finally {
      button.disabled = false;
    }
  });
}
