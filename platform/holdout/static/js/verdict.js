// What came of one submission: the notes and the table of problems of _verdict.html.
import { isFinal } from "./pills.js";

const format = new Intl.NumberFormat("en");
const NOTES = {
  scored: ["scored"],
  invalid: ["invalid"],
  failed: ["failed"],
  ended: ["crashed", "timed_out", "out_of_memory", "cancelled"],
};

function showProblems(verdict, problems, more) {
  const table = verdict.querySelector("[data-problems]");
  const template = table.querySelector("[data-problem-template]");
  const rows = problems.map(({ line, message }) => {
    const row = template.content.firstElementChild.cloneNode(true);
    row.querySelector("b").textContent = line ? `Line ${format.format(line)}` : "The file";
    row.cells[1].textContent = message;
    return row;
  });
  table.querySelector("tbody").replaceChildren(...rows);
  table.hidden = rows.length === 0;
  const note = verdict.querySelector("[data-more]");
  note.hidden = !more;
  note.querySelector("[data-more-count]").textContent = format.format(more);
}

// The score, or that there is none to be shown; and what must be said beside it.
function showScore(verdict, { public_score: score, remarks = [] }) {
  const number = verdict.querySelector("[data-score]");
  number.textContent = score ?? number.dataset.without;
  verdict.querySelector("[data-metric]").hidden = !score;
  verdict.querySelector("[data-known]").hidden = remarks.length > 0;
  const words = verdict.querySelector("[data-remarks]");
  words.hidden = remarks.length === 0;
  words.textContent = remarks.join(" ");
}

// What is said over an ending that only models have.
function showEnding(verdict, { status }) {
  const words = verdict.querySelector(`[data-ending="${status}"]`);
  for (const each of verdict.querySelectorAll("[data-ending]")) each.hidden = each !== words;
}

// `state` is the API's submission: status, public_score, remarks, error, problems, more_problems.
export function showVerdict(verdict, state) {
  for (const [note, statuses] of Object.entries(NOTES)) {
    verdict.querySelector(`[data-${note}]`).hidden = !statuses.includes(state.status);
  }
  const waiting = verdict.querySelector("[data-waiting]");
  waiting.hidden = isFinal(state.status) || Boolean(state.run && state.run.stage !== "done");
  showEnding(verdict, state);
  waiting.querySelector("[data-waiting-title]").textContent =
    state.status === "running" ? "Being scored" : "In the queue";
  showScore(verdict, state);
  const problems = state.problems ?? [];
  for (const words of verdict.querySelectorAll("[data-error]")) {
    words.textContent = problems.length ? "" : (state.error ?? "");
  }
  showProblems(verdict, problems, state.more_problems ?? 0);
}

// A refusal at the door looks like a wrong file without a table.
export function showRefusal(verdict, message) {
  showVerdict(verdict, { status: "invalid", error: message });
  verdict.querySelector("[data-waiting]").hidden = true;
}

export function hideVerdict(verdict) {
  for (const part of verdict.children) part.hidden = true;
}
