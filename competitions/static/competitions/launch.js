// While baselines are being trained, the page looks by itself; without it, it is loaded again.

const LOOK_EVERY = 3000;

const page = document.querySelector("[data-launch]");
const lists = ["checks", "runs"];
const list = (root, name) => root.querySelector(`[data-look="${name}"]`);
const isWriting = () => Boolean(document.querySelector("[name=despite]")?.value);

async function look() {
  let goesOn = true;
  try {
    const response = await fetch(location.pathname);
    const text = await response.text();
    const found = new DOMParser().parseFromString(text, "text/html").querySelector("[data-launch]");
    if (response.ok && found) {
      // The form is another one now; a reason that is being written is not thrown away.
      if (found.dataset.launch !== page.dataset.launch && !isWriting()) return location.reload();
      for (const name of lists) {
        const now = list(found, name).innerHTML;
        // Untouched where nothing changed, so that nothing is read out again.
        if (list(page, name).innerHTML !== now) list(page, name).innerHTML = now;
      }
      goesOn = "awaited" in found.dataset;
    }
  } catch {
    // away for a moment: the next look tells
  }
  if (goesOn) setTimeout(look, LOOK_EVERY);
}

if (page && "awaited" in page.dataset) setTimeout(look, LOOK_EVERY);
