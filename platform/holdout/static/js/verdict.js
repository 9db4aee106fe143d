// What came of one submission: the notes and the table of problems of _verdict.html.
const format = new Intl.NumberFormat("en");

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

// `state` is the API's submission: status, public_score, remarks, error, problems, more_problems.
export function showVerdict(verdict, state) {
  const notes = { scored: "[data-scored]", invalid: "[data-invalid]", failed: "[data-failed]" };
  for (const [status, note] of Object.entries(notes)) {
    verdict.querySelector(note).hidden = status !== state.status;
  }
  const waiting = verdict.querySelector("[data-waiting]");
  waiting.hidden = state.status in notes;
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
