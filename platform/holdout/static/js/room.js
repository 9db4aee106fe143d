// What both room screens do without a hand on the mouse: F fills the screen, the cursor goes away,
// the machine stays awake.
const IDLE = 3000;

function hideIdleCursor() {
  let timer = 0;
  const wake = () => {
    document.body.classList.remove("is-idle");
    clearTimeout(timer);
    timer = setTimeout(() => document.body.classList.add("is-idle"), IDLE);
  };
  addEventListener("pointermove", wake);
  wake();
}

// A press that is meant for the page, and not for a control or the browser itself.
export function isForThePage(event) {
  const isBrowsers = event.ctrlKey || event.metaKey || event.altKey;
  return !isBrowsers && !event.target.closest?.("a, button, input, select, textarea, summary");
}

function offerFullScreen() {
  addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "f" || event.repeat || !isForThePage(event)) return;
    if (document.fullscreenElement) document.exitFullscreen();
    // Some displays allow no full screen; the page fills the window then.
    else document.documentElement.requestFullscreen?.().catch(() => {});
  });
}

// The lock is lost whenever the page is out of view, and there is none on plain http.
function stayAwake() {
  const ask = () => {
    if (!document.hidden) navigator.wakeLock?.request("screen").catch(() => {});
  };
  document.addEventListener("visibilitychange", ask);
  ask();
}

export function furnish() {
  hideIdleCursor();
  offerFullScreen();
  stayAwake();
}
