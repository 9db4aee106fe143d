// One polite line for screen readers: moves are said at most every ten seconds, one's own first.
const PAUSE = 10_000;
const AT_ONCE = 3;

export function announcer(element, you) {
  let waiting = new Map();
  let silentUntil = 0;
  let timer = 0;

  function say() {
    timer = 0;
    silentUntil = Date.now() + PAUSE;
    const own = waiting.get(you);
    waiting.delete(you);
    const others = [...waiting.values()];
    const said = [...(own ? [own] : []), ...others.slice(-AT_ONCE)];
    const more = others.length - AT_ONCE;
    element.textContent = said.join(" ") + (more > 0 ? ` And ${more} other changes.` : "");
    waiting = new Map();
  }

  return (key, sentence) => {
    waiting.set(key, sentence);
    timer ||= setTimeout(say, Math.max(0, silentUntil - Date.now()));
  };
}
