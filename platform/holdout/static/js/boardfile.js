// The exported file: the history stands in the page, and there is no site to ask.
import { Stage } from "./stage.js";
import { keepTimesFresh } from "./times.js";

keepTimesFresh();
new Stage(document.querySelector("[data-replay]"), JSON.parse(document.getElementById("history").textContent));
