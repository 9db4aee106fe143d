// The host's screen. Rows follow the stream: what has changed is fetched at most once a second, and
// only the rows of those teams. What a button asks stands in a dialog; without a script on a page.
import { announcer } from "./announce.js";
import { connect } from "./hub.js";
import { showState } from "./live.js";
import { sparing } from "./pace.js";
import { showTime } from "./times.js";

const PAUSE = 1000; // milliseconds between two looks, however fast files come
const REFRESH = 30_000; // who is idle becomes so without any news

const head = document.querySelector("[data-challenge]");
const table = document.querySelector("[data-host-rows]");
const state = document.querySelector("[data-live-state]");
const announce = announcer(document.querySelector("[data-announce]"), null);

let teams = new Set(); // of which something was heard since the last look
let isWhole = false; // everybody's rows are wanted
let isLooking = false;

const parse = (html) => new DOMParser().parseFromString(html, "text/html");
const body = () => table.querySelector("tbody");
const rowOf = (key) => body().querySelector(`tr[data-key="${CSS.escape(key)}"]`);

async function get(url) {
  const response = await fetch(url, { cache: "no-store" });
  if (!response.ok) throw new Error(`the screen answers ${response.status}`);
  return parse(await response.text());
}

function showTimes(part) {
  part.querySelectorAll("time[data-show]").forEach((each) => showTime(each));
}

// The same button has the focus afterwards, if one had it.
function put(old, fresh) {
  const isHeld = old.contains(document.activeElement);
  old.replaceWith(fresh);
  if (isHeld) fresh.querySelector("a, button")?.focus({ preventScroll: true });
}

function replacePart(name, fragment) {
  const [old, fresh] = [document, fragment].map((page) => page.querySelector(`[data-part="${name}"]`));
  if (old && fresh && old.outerHTML !== fresh.outerHTML) old.replaceWith(document.importNode(fresh, true));
}

const light = (row) => row.querySelector(".light")?.textContent ?? "";

function replaceRow(fresh) {
  const old = rowOf(fresh.dataset.key);
  const row = document.importNode(fresh, true);
  showTimes(row);
  if (!old) body().append(row);
  else if (old.textContent !== row.textContent || old.className !== row.className) {
    if (light(row) === "Help" && light(old) !== "Help") {
      announce(row.dataset.key, `${row.querySelector("th").textContent} needs help.`);
    }
    put(old, row);
    row.classList.add("is-fresh");
  }
}

// Rows that are in their place are not touched: most are.
function order(keys) {
  const wanted = new Set(keys);
  for (const row of [...body().rows]) if (!wanted.has(row.dataset.key)) row.remove();
  let next = body().firstElementChild;
  for (const key of keys) {
    const row = next?.dataset.key === key ? next : rowOf(key);
    if (!row) return false;
    if (row === next) next = next.nextElementSibling;
    else body().insertBefore(row, next);
  }
  return true;
}

function show(page) {
  const fragment = page.querySelector("[data-host-fragment]");
  if (!fragment) throw new Error("this is not the screen: signed out?");
  ["tally", "health"].forEach((name) => replacePart(name, fragment));
  fragment.querySelectorAll("tr[data-key]").forEach(replaceRow);
  // Somebody is new of whom nothing was heard: everybody is fetched.
  if (!order(fragment.dataset.order.split(" ").filter(Boolean))) ask();
}

async function look() {
  if (!isWhole && !teams.size) return;
  if (isLooking) { soon(); return; }
  const wanted = isWhole ? [] : [...teams];
  [teams, isWhole, isLooking] = [new Set(), false, true];
  try {
    if (!body()) {
      const page = await get(location.href);
      if (page.querySelector("tr[data-key]")) location.reload(); // the first one has joined
    } else {
      show(await get(`${table.dataset.hostRows}&teams=${wanted.join(",")}`));
    }
  } finally {
    isLooking = false;
  }
}

const soon = sparing(PAUSE, () => look().catch(() => { isWhole = true; }));

function ask(team) {
  if (team === undefined) isWhole = true;
  else teams.add(team);
  soon();
}

connect({
  url: head.dataset.live,
  cursor: head.dataset.cursor,
  on: {
    host: ({ team_id }) => ask(team_id),
    board: ({ row }) => ask(row.team_id),
    clock: () => ask(),
    reset: () => ask(),
    state: (now) => showState(state, now),
  },
  poll: async () => ask(),
});
setInterval(() => { if (!document.hidden) ask(); }, REFRESH);
document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });

// --- what a button asks ------------------------------------------------------------------------

const dialog = document.createElement("dialog");
dialog.className = "dialog";
dialog.setAttribute("aria-labelledby", "ask");
document.body.append(dialog);

function fill(page) {
  const asked = page.querySelector("[data-dialog-body]");
  if (!asked) return false;
  dialog.className = `dialog ${asked.classList.contains("asked-team") ? "dialog-wide" : ""}`.trim();
  dialog.replaceChildren(...document.importNode(asked, true).childNodes);
  showTimes(dialog);
  return true;
}

document.addEventListener("click", async (event) => {
  if (event.target.closest("dialog [data-cancel]") || event.target === dialog) {
    event.preventDefault();
    dialog.close();
    return;
  }
  const link = event.target.closest("a[data-ask]");
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  try {
    if (!fill(await get(link.href))) throw new Error("nothing is asked");
    dialog.showModal();
    dialog.querySelector("textarea, select, .field input, button[type=submit]")?.focus();
  } catch {
    location.assign(link.href); // the page says what is the matter
  }
});
