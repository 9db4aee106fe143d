// Choosing, dropping or pasting a file, sending it, and what became of it, all on one page.
// Without this script the form posts to the page itself.
import { refreshAttempts } from "./attempts.js";
import { refreshBest } from "./best.js";
import { isFinal } from "./pills.js";
import { hideRun, offerCancel, showRun } from "./running.js";
import { showStep } from "./steps.js";
import { hideVerdict, showRefusal, showVerdict } from "./verdict.js";
import { watch } from "./watching.js";

const region = document.querySelector("[data-region=sending]");
const outcome = document.querySelector("[data-outcome]");
const MODEL = /\.(onnx|safetensors|pt2?|ts)$/i;

function fileSize(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  const [amount, unit] = bytes < 999_500 ? [bytes / 1e3, "kB"] : [bytes / 1e6, "MB"];
  return `${amount >= 99.95 ? amount.toFixed(0) : Number(amount.toPrecision(3))} ${unit}`;
}

class Upload {
  constructor() {
    this.steps = document.querySelector("[data-steps]");
    this.verdict = outcome.querySelector("[data-verdict]");
    this.progress = outcome.querySelector("[data-progress]");
    this.run = outcome.querySelector("[data-run]");
    if (this.run) offerCancel(this.run, (state) => this.show(state));
    this.isUnderWay = false;
    this.listen();
  }

  // The form as it is now: after a pause it is another one, which takes over the file that was held.
  adopt(form) {
    const before = this.isUnderWay ? [] : (this.input?.files ?? []);
    this.form = form;
    this.input = form.elements.file;
    this.drop = form.querySelector("[data-drop]");
    this.held = form.querySelector("[data-held]");
    this.button = form.querySelector("button[type=submit]");
    this.why = form.querySelector("[data-why]");
    this.isSpent = this.button.getAttribute("aria-disabled") === "true";
    this.input.addEventListener("change", () => this.input.files[0] && this.hold(this.input.files[0]));
    form.querySelector("[data-choose]").addEventListener("click", () => this.input.click());
    form.addEventListener("submit", (event) => this.submit(event));
    if (before.length && !this.input.files.length) this.input.files = before;
    if (this.input.files.length) this.hold(this.input.files[0]);
  }

  // No file is taken now; one that was sent is still followed to its end.
  wait() {
    if (!this.isUnderWay) this.steps.hidden = true;
  }

  listen() {
    for (const name of ["dragenter", "dragover"]) {
      document.addEventListener(name, (event) => this.over(event));
    }
    for (const name of ["dragleave", "drop"]) {
      document.addEventListener(name, () => this.drop.removeAttribute("data-over"));
    }
    document.addEventListener("drop", (event) => this.take(event, event.dataTransfer));
    document.addEventListener("paste", (event) => this.paste(event));
  }

  over(event) {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    this.drop.dataset.over = "";
  }

  take(event, transfer) {
    const file = transfer?.files[0];
    if (!file) return;
    event.preventDefault();
    if (!this.form.isConnected) return; // no file is taken now
    const files = new DataTransfer();
    files.items.add(file);
    this.input.files = files.files;
    this.hold(file);
  }

  // A pasted file, or pasted lines that look like one; text pasted into a field stays there.
  paste(event) {
    if (event.target.matches?.("input:not([type=file]), textarea")) return;
    if (event.clipboardData.files.length) {
      this.take(event, event.clipboardData);
      return;
    }
    const text = event.clipboardData.getData("text");
    if (!text.includes("\n") || !text.includes(",")) return;
    const files = new DataTransfer();
    files.items.add(new File([text], "pasted.csv", { type: "text/csv" }));
    this.take(event, { files: files.files });
  }

  hold(file) {
    this.drop.hidden = true;
    this.held.hidden = false;
    this.held.querySelector("[data-file-name]").textContent = file.name;
    const limit = this.limit(file);
    const tooLarge = file.size > limit;
    this.describe(file);
    this.held.querySelector("[data-file-facts]").textContent =
      `${fileSize(file.size)}. Nothing has been sent.`;
    showStep(this.steps, "chosen");
    outcome.hidden = true;
    this.allow(!tooLarge && !this.isSpent);
    if (tooLarge) {
      const advice = this.isModel(file) ? "Train a smaller network." : "Send one line per image and nothing more.";
      this.why.textContent = `Too large: this challenge takes ${limit / 2 ** 20} MiB. ${advice}`;
    }
  }

  isModel(file) {
    const { takes } = this.form.dataset;
    return takes === "models" || (takes === "both" && MODEL.test(file.name));
  }

  limit(file) {
    return Number(this.isModel(file) ? this.form.dataset.modelLimit : this.form.dataset.limit);
  }

  // The kind of file, and of weights alone also what they belong to.
  describe(file) {
    const ending = file.name.split(".").at(-1).toUpperCase();
    this.held.querySelector(".file-glyph").textContent = ending.length > 4 ? ending.slice(0, 4) : ending;
    const weights = this.form.querySelector("[data-weights]");
    if (weights) weights.hidden = !/\.safetensors$/i.test(file.name);
  }

  allow(isAllowed) {
    if (isAllowed) this.button.removeAttribute("aria-disabled");
    else this.button.setAttribute("aria-disabled", "true");
  }

  submit(event) {
    event.preventDefault();
    if (this.button.getAttribute("aria-disabled") === "true" || !this.input.files.length) return;
    this.allow(false);
    this.isUnderWay = true;
    this.why.textContent = "";
    outcome.hidden = false;
    outcome.querySelector("[data-after]").hidden = true;
    hideVerdict(this.verdict);
    if (this.run) hideRun(this.run);
    showStep(this.steps, "sending");
    this.send();
  }

  // XMLHttpRequest, because fetch does not tell how much of an upload has left.
  send() {
    const request = new XMLHttpRequest();
    request.open("POST", this.form.dataset.action);
    request.responseType = "json";
    request.setRequestHeader("X-CSRFToken", this.form.elements.csrfmiddlewaretoken.value);
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => this.sent(event.loaded, event.total));
    request.addEventListener("load", () => this.answered(request));
    request.addEventListener("error", () =>
      this.refused("The site could not be reached. Nothing is lost; send the file again in a moment."));
    this.sent(0, this.input.files[0].size);
    const body = new FormData();
    body.append("file", this.input.files[0]);
    body.append("message", this.form.elements.message.value);
    if (/\.safetensors$/i.test(this.input.files[0].name)) {
      for (const name of ["architecture", "arguments"]) {
        const field = this.form.elements[name];
        if (field) body.append(name, field.value);
      }
    }
    request.send(body);
  }

  sent(loaded, total) {
    const share = total ? Math.round((100 * loaded) / total) : 100;
    this.progress.hidden = false;
    this.progress.querySelector("progress").value = share;
    this.progress.querySelector("[data-progress-share]").textContent = `${share} %`;
    this.progress.querySelector("[data-progress-words]").textContent =
      share < 100 ? "Sending" : "Sent, waiting for the receipt";
  }

  answered(request) {
    this.progress.hidden = true;
    if (request.status !== 202) {
      const message = request.response?.error?.message;
      this.refused(message ?? `The site answers ${request.status}. Send the file again in a moment.`);
      return;
    }
    const { id, status, url } = request.response;
    this.held.querySelector("[data-file-facts]").textContent = `${fileSize(this.input.files[0].size)}. Sent.`;
    const link = outcome.querySelector("[data-link]");
    link.href = `${this.form.dataset.log}${id}/`;
    outcome.querySelector("[data-after]").hidden = false;
    this.show({ status });
    const { live, cursor } = this.form.dataset;
    watch({ live, cursor, api: url, id, show: (state) => this.show(state) });
  }

  refused(message) {
    this.progress.hidden = true;
    showStep(this.steps, "refused");
    showRefusal(this.verdict, message);
    this.again();
  }

  show(state) {
    showStep(this.steps, state.status);
    showVerdict(this.verdict, state);
    if (this.run) showRun(this.run, state);
    if (isFinal(state.status) && this.isUnderWay) this.again(state.status);
  }

  // Ready for the next file; one that was scored, or a model that ran, has spent an attempt.
  again(status) {
    this.isUnderWay = false;
    if (status && !["invalid", "failed"].includes(status)) {
      refreshBest().catch(() => {});
      refreshAttempts(this.form.dataset.attempts)
        .then((mayGoOn) => {
          this.isSpent = !mayGoOn;
          if (this.isSpent) this.allow(false);
        })
        .catch(() => {});
    }
    this.held.hidden = true;
    this.drop.hidden = false;
    this.drop.classList.add("drop-slim");
    this.drop.querySelector("strong").textContent =
      status === "scored" ? "Drop the next file here" : "Drop the mended file here";
    this.form.elements.message.value = "";
    this.input.value = "";
    this.allow(!this.isSpent);
  }
}

let upload = null;

function begin() {
  const form = region.querySelector("[data-upload]");
  if (!form) {
    upload?.wait();
    return;
  }
  upload ??= new Upload();
  upload.adopt(form);
}

begin();
region.addEventListener("renewed", begin);
