// Copy buttons: the text in data-copy, else the block of code they stand over.
const SHOWN = 1600;

async function toClipboard(text) {
  // A room's own machine is often reached by plain http, where navigator.clipboard is missing.
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "sr";
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

async function copy(button) {
  const text = button.dataset.copy || button.closest(".code").querySelector("pre").textContent;
  await toClipboard(text.trim());
  const words = button.firstChild;
  button.dataset.words ??= words.data;
  words.data = "Copied";
  setTimeout(() => { words.data = button.dataset.words; }, SHOWN);
}

export function offerCopies(within = document) {
  for (const button of within.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
}
