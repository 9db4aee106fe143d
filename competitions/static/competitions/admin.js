// Two things for the organiser that the admin leaves out: its tabs are reached by keyboard, and
// while uploaded files are being checked, the page looks again by itself.

const LOOK_EVERY = 1500;

for (const tab of document.querySelectorAll("form nav > a:not([href])")) {
  tab.tabIndex = 0;
  tab.setAttribute("role", "button");
  tab.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      tab.click();
    }
  });
}

const note = document.querySelector("[data-preparing]");
const form = document.querySelector("#competition_form");
const typed = () => (form ? new URLSearchParams(new FormData(form)).toString() : "");
const before = typed();

async function look() {
  try {
    const response = await fetch(location.pathname);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    if (response.ok && !page.querySelector("[data-preparing]")) {
      return typed() === before ? location.reload() : sayItIsDone();
    }
  } catch {
    // away for a moment: the next look tells
  }
  setTimeout(look, LOOK_EVERY);
}

function sayItIsDone() {
  note.textContent = "The files are checked. Save your changes to see the result.";
}

if (note) setTimeout(look, LOOK_EVERY);
