// What every page does once it is there.
import { keepTimesFresh } from "./times.js";
import { offerCopies } from "./copy.js";

keepTimesFresh();
offerCopies();

// On a phone the tabs scroll inside themselves: bring the current one into view.
const tab = document.querySelector(".tabs [aria-current]");
if (tab) {
  const tabs = tab.parentElement;
  tabs.scrollLeft = tab.offsetLeft - tabs.offsetLeft - (tabs.clientWidth - tab.offsetWidth) / 2;
}

// A menu closes when one looks elsewhere.
const menu = document.querySelector("details.menu");
if (menu) {
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}
