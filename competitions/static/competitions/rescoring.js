// While files are scored again, the page looks by itself; without it, its link does.

const LOOK_EVERY = 1500;
const WORKING = ["reading", "scoring"];

const now = document.querySelector("#rescoring-now");
const isWorking = () => WORKING.includes(now.dataset.stage);
const isAsked = () => now.querySelector("details[open]") !== null;

async function look() {
  try {
    const response = await fetch(location.pathname);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const found = page.querySelector("#rescoring-now");
    if (response.ok && found?.dataset.stage !== now.dataset.stage) return location.reload();
    // Somebody who is about to answer a question is not interrupted.
    if (response.ok && found && !isAsked()) now.replaceChildren(...found.childNodes);
  } catch {
    // away for a moment: the next look tells
  }
  setTimeout(look, LOOK_EVERY);
}

if (now && isWorking()) setTimeout(look, LOOK_EVERY);
