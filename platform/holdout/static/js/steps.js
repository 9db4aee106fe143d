// The steps of a submission, moved by its status.
const STATES = {
  chosen: { chosen: "now" },
  sending: { chosen: "done", sent: "now" },
  refused: { chosen: "done", sent: "stopped" },
  received: { chosen: "done", sent: "done", checked: "now" },
  queued: { chosen: "done", sent: "done", checked: "now" },
  running: { chosen: "done", sent: "done", checked: "now" },
  scored: { chosen: "done", sent: "done", checked: "done", scored: "done" },
  invalid: { chosen: "done", sent: "done", checked: "stopped" },
  failed: { chosen: "done", sent: "done", checked: "done", scored: "stopped" },
  // Of models, whose third step is their run.
  crashed: { chosen: "done", sent: "done", checked: "stopped" },
  timed_out: { chosen: "done", sent: "done", checked: "stopped" },
  out_of_memory: { chosen: "done", sent: "done", checked: "stopped" },
  cancelled: { chosen: "done", sent: "done", checked: "stopped" },
};

export function showStep(steps, state) {
  steps.hidden = false;
  for (const item of steps.children) {
    item.className = STATES[state][item.dataset.step] ?? "";
    if (["now", "stopped"].includes(item.className)) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  }
}
