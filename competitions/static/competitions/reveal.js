// While the list waits for workers, the page looks by itself; without it, its link does.

const LOOK_EVERY = 1500;

const checks = document.querySelector("[data-checks]");
const awaited = (page) => page.querySelectorAll("[data-awaited]").length;

async function look() {
  try {
    const response = await fetch(location.pathname);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const found = page.querySelector("[data-checks]");
    // Once nothing is waited for, the page has the button, and another form than before.
    if (response.ok && !awaited(page)) return location.reload();
    const lines = checks.querySelector("ul");
    const now = found?.querySelector("ul").innerHTML;
    // Untouched where nothing changed, so that nothing is read out again.
    if (response.ok && now !== undefined && lines.innerHTML !== now) lines.innerHTML = now;
  } catch {
    // away for a moment: the next look tells
  }
  setTimeout(look, LOOK_EVERY);
}

if (checks && awaited(checks)) setTimeout(look, LOOK_EVERY);
