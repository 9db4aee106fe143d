// Parts of a page that only the server can draw, such as a form that is there while files are taken:
// when the challenge moves on, the page is fetched again and they are taken from it.
import { offerCopies } from "./copy.js";
import { sparing } from "./pace.js";
import { showTime } from "./times.js";

const PAUSE = 600; // milliseconds, and up to as many more: a whole room hears of it at once

const regions = () => document.querySelectorAll("[data-region]");

function put(region, fresh) {
  const isLeft = region.contains(document.activeElement);
  region.hidden = fresh.hidden;
  region.replaceChildren(...document.importNode(fresh, true).childNodes);
  region.querySelectorAll("time[data-show]").forEach((each) => showTime(each));
  offerCopies(region);
  if (isLeft) document.getElementById("main").focus({ preventScroll: true });
  region.dispatchEvent(new CustomEvent("renewed", { bubbles: true }));
}

// All of them, or the one of that name.
export async function renewRegions(name = "") {
  const wanted = [...regions()].filter((region) => !name || region.dataset.region === name);
  if (!wanted.length) return;
  const response = await fetch(location.href, { cache: "no-store" });
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const region of wanted) {
    const fresh = page.querySelector(`[data-region="${CSS.escape(region.dataset.region)}"]`);
    if (fresh) put(region, fresh);
  }
}

export const renewSoon = sparing(PAUSE, () => renewRegions().catch(() => {}), true);
