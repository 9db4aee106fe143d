// The links to the pages of the board, when their number changes while one looks on.
const AROUND = 1;

function numbers(page, pages) {
  const shown = [1, page - AROUND, page, page + AROUND, pages].filter((each) => each >= 1 && each <= pages);
  return [...new Set(shown)].sort((one, other) => one - other);
}

function link(page, text) {
  const element = document.createElement("a");
  const query = new URLSearchParams(location.search);
  query.set("page", page);
  element.href = `?${query}`;
  element.textContent = text;
  return element;
}

function item(...content) {
  const element = document.createElement("li");
  element.append(...content);
  return element;
}

function gap() {
  const dots = document.createElement("span");
  dots.ariaHidden = "true";
  dots.textContent = "…";
  return item(dots);
}

function step(rel, page, text) {
  const element = link(page, text);
  element.className = "button";
  element.rel = rel;
  return element;
}

export function drawPager(nav, page, pages) {
  if (nav.dataset.pages === String(pages)) return;
  nav.dataset.pages = pages;
  nav.hidden = pages < 2;
  const list = document.createElement("ol");
  let last = 0;
  for (const number of numbers(page, pages)) {
    if (number - last > 1) list.append(gap());
    const element = link(number, number.toLocaleString("en"));
    if (number === page) element.ariaCurrent = "page";
    else element.ariaLabel = `Page ${number.toLocaleString("en")}`;
    list.append(item(element));
    last = number;
  }
  const steps = [page > 1 && step("prev", page - 1, "Previous"), list, page < pages && step("next", page + 1, "Next")];
  nav.replaceChildren(...steps.filter(Boolean));
}
