// Status pills, cloned from the page's templates, so that their words stand in one place.
export function showPill(holder, status) {
  const kind = status === "received" ? "queued" : status;
  const template = document.querySelector(`template[data-pill="${kind}"]`);
  if (template) holder.replaceChildren(template.content.cloneNode(true));
}

const WAITING = ["received", "queued", "running"];

export const isFinal = (status) => !WAITING.includes(status);
