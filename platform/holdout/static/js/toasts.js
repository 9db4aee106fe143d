// What the host announces: a toast that stays until it is closed, also on the pages that one opens
// next, and the overview's list.
import { showTime } from "./times.js";

const region = document.querySelector("[data-toasts]");
const list = document.querySelector("[data-announcements]");
const seen = new Set();
const KEY = `announced ${document.querySelector("[data-challenge]").dataset.api}`;

// The last one that was not closed. A browser may keep nothing: then it is on the overview alone.
function keep(announcement) {
  try {
    if (announcement) sessionStorage.setItem(KEY, JSON.stringify(announcement));
    else sessionStorage.removeItem(KEY);
  } catch { /* nothing is kept */ }
}

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    return null;
  }
}

function showToast({ id, text, at }) {
  const toast = document.querySelector("[data-toast-template]").content.firstElementChild.cloneNode(true);
  showTime(toast.querySelector("time"), at);
  toast.querySelector("[data-text]").textContent = text;
  toast.querySelector("[data-close]").addEventListener("click", () => {
    const next = toast.nextElementSibling ?? toast.previousElementSibling;
    toast.remove();
    if (kept()?.id === id) keep(null);
    (next?.querySelector("[data-close]") ?? document.getElementById("main")).focus({ preventScroll: true });
  });
  region.append(toast);
}

function addToList({ id, text, at }) {
  if (!list || list.querySelector(`[data-id="${CSS.escape(id)}"]`)) return;
  const item = list.querySelector("template").content.firstElementChild.cloneNode(true);
  item.dataset.id = id;
  showTime(item.querySelector("time"), at);
  item.querySelector("[data-text]").textContent = text;
  list.querySelector("ol").prepend(item);
  list.hidden = false;
}

// After a reconnect an announcement may be heard twice.
export function announceToAll(announcement) {
  if (seen.has(announcement.id)) return;
  seen.add(announcement.id);
  showToast(announcement);
  keep(announcement);
  addToList(announcement);
}

// On the overview it stands in the list.
const last = kept();
if (last && list) keep(null);
else if (last) {
  seen.add(last.id);
  showToast(last);
}
