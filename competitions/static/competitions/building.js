// Images on their way to a challenge: a file or a folder is sent in pieces, so that a lost connection
// costs a piece; while they are built, the bar follows. Without this module the form sends a file.

import { zipped } from "./zipping.js";

const LOOK_EVERY = 1000;
const TRIES = 5;
const END = 1024 * 1024;
const HIDDEN = /(^|\/)\.|(^|\/)(Thumbs\.db|desktop\.ini)$/;

const form = document.querySelector("[data-source]");
const bar = document.querySelector("[data-bar]");
const words = document.querySelector("[data-words]");
const wrong = document.querySelector("[data-wrong]");
const pause = (time) => new Promise((done) => setTimeout(done, time));

function tell(sentence, share) {
  document.querySelector("[data-progress]").hidden = false;
  words.textContent = sentence;
  if (share === undefined) bar.removeAttribute("value");
  else bar.value = share;
}

function refuse(sentence) {
  wrong.textContent = sentence;
  wrong.hidden = false;
  wrong.scrollIntoView({ block: "center" });
  document.querySelector("[data-progress]").hidden = true;
  form.querySelector("[type=submit]").disabled = false;
}

async function post(address, body) {
  const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
  const headers = { "X-CSRFToken": token, Accept: "application/json" };
  const response = await fetch(address, { method: "POST", body, headers });
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const errors = Object.values(answer.errors ?? {}).flat().join(" ");
  const error = new Error(answer.error ?? (errors || `The site answered ${response.status}.`));
  error.isFinal = response.status < 500;
  throw error;
}

async function insistently(address, body) {
  for (let time = 1; ; time++) {
    try {
      return await post(address, body);
    } catch (error) {
      if (error.isFinal || time === TRIES) throw error;
      tell("The connection is gone. Trying again …", undefined);
      await pause(1000 * time);
    }
  }
}

async function chosen() {
  const folder = [...(form.querySelector("[data-folder]")?.files ?? [])];
  const file = form.querySelector("[name=source]").files;
  const files = folder.length ? folder : [...file];
  if (files.length === 1 && !folder.length) return [files[0], files[0].name];
  const named = files
    .map((each) => [each.webkitRelativePath || each.name, each])
    .filter(([path]) => !HIDDEN.test(path));
  if (!named.length) return [null, ""];
  const archive = await zipped(named, (n, all) => tell(`Reading file ${n} of ${all}`, n / all));
  return [archive, `${named[0][0].split("/")[0]}.zip`];
}

// Two files may share a name and a size. When they were changed and how they begin and end tells
// them apart; a zip ends with the checksums of all its files. FNV-1a, for a page that came over
// plain http has no crypto.subtle.
async function markOf(file) {
  let sum = 0x811c9dc5;
  for (const end of [file.slice(0, END), file.slice(-END)]) {
    const bytes = new Uint8Array(await end.arrayBuffer());
    for (const byte of bytes) sum = Math.imul(sum ^ byte, 0x01000193);
  }
  return `${file.lastModified ?? ""}-${(sum >>> 0).toString(16)}`;
}

// Large files take minutes to be put together, and a request that was cut off may still be at it.
async function handedOver(to, last) {
  for (;;) {
    const answer = await insistently(to, last);
    if (!answer.wait) return answer;
    tell(answer.wait, undefined);
    await pause(2 * LOOK_EVERY);
  }
}

async function send(pieces, file, name) {
  const begun = new FormData();
  begun.append("name", name);
  begun.append("size", file.size);
  begun.append("mark", await markOf(file));
  const { to, received, piece } = await insistently(pieces, begun);
  for (let at = received; at < file.size; ) {
    tell(`Uploading ${name}: ${Math.floor((100 * at) / file.size)} %`, at / file.size);
    const part = file.slice(at, at + piece);
    at = (await insistently(`${to}?offset=${at}`, part)).received;
  }
  tell("Uploaded.", 1);
  const last = new FormData();
  last.append("test_fraction", form.querySelector("[name=test_fraction]").value);
  return handedOver(to, last);
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  wrong.hidden = true;
  form.querySelector("[type=submit]").disabled = true;
  try {
    const [file, name] = await chosen();
    if (!file && !form.querySelector("[name=published]").value) {
      return refuse("Choose a folder, a file or a published set.");
    }
    const fields = new FormData(form);
    fields.delete("source");
    const { to, pieces } = await post(form.action, fields);
    const done = file ? await send(pieces, file, name) : { to };
    location.assign(done.to);
  } catch (error) {
    refuse(error.message);
  }
});

for (const part of document.querySelectorAll("[data-with-script]")) part.hidden = false;

// The address follows the title until somebody writes one.
const title = form?.querySelector("[name=title]");
const slug = form?.querySelector("[name=slug]");
title?.addEventListener("input", () => {
  if (slug.dataset.touched) return;
  const plain = title.value.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
  slug.value = plain.replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 60);
});
slug?.addEventListener("input", () => (slug.dataset.touched = "yes"));

const watched = document.querySelector("[data-state]");

async function look() {
  try {
    const response = await fetch(watched.dataset.state);
    const state = await response.json();
    if (response.ok && !state.is_preparing) return location.reload();
    const count = state.total ? `: ${state.done} of ${state.total}` : "";
    tell(`${state.step}${count}`, state.total ? state.done / state.total : undefined);
  } catch {
    // away for a moment: the next look tells
  }
  setTimeout(look, LOOK_EVERY);
}

if (watched) look();
