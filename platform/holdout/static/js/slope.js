// Lines from the public rank on the left to the private rank on the right, one per team.
const SVG = "http://www.w3.org/2000/svg";
const UNIT = 20; // drawing units in one em of the page
const SLOT = { most: 92, narrow: 46 };
const MEDALS = { 1: "gold", 2: "silver", 3: "bronze" };
const narrow = matchMedia("(width < 860px)");

function make(name, attributes, text = "") {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  return element;
}

// A name that is too long ends in an ellipsis; hovering tells all of it.
function fit(element, room) {
  const whole = element.textContent;
  if (element.getComputedTextLength() <= room) return;
  const letters = [...whole];
  let [few, many] = [0, letters.length];
  while (many - few > 1) {
    const middle = Math.floor((few + many) / 2);
    element.textContent = `${letters.slice(0, middle).join("").trimEnd()}…`;
    if (element.getComputedTextLength() <= room) few = middle;
    else many = middle;
  }
  element.textContent = `${letters.slice(0, few).join("").trimEnd()}…`;
  element.append(make("title", {}, whole));
}

// Where the columns stand, for a drawing of that width.
function columnsOf(width, scoreLetters) {
  const rank = 2 * UNIT;
  if (narrow.matches) return { from: 0, left: 40, right: width * 0.4, to: width * 0.4 + 14 + rank, score: width };
  const left = width * 0.33;
  const right = width * 0.55;
  return { from: left - 14 - rank, left, right, to: right + 16 + rank, score: width, scoreRoom: 12 * scoreLetters };
}

const known = (rank) => rank ?? Infinity;

export class Slope {
  constructor(figure, rows) {
    this.figure = figure;
    this.svg = figure.querySelector("svg");
    this.rows = rows;
    // On the left equal ranks stand in the teams' order, which tells nothing of the right.
    this.lefts = [...rows].sort(
      (one, other) => known(one.public_rank) - known(other.public_rank) || one.team_id - other.team_id,
    );
    this.revealed = 0;
    new ResizeObserver(() => this.draw()).observe(figure);
    narrow.addEventListener("change", () => this.draw());
  }

  size() {
    const em = Number.parseFloat(getComputedStyle(this.figure).fontSize);
    const box = this.svg.getBoundingClientRect();
    const width = (box.width / em) * UNIT;
    if (narrow.matches) return { width, height: this.rows.length * SLOT.narrow };
    return { width, height: (box.height / em) * UNIT };
  }

  draw() {
    const { width, height } = this.size();
    if (!width || !height || this.rows.length === 0) return;
    const key = `${Math.round(width)} ${Math.round(height)}`;
    if (key === this.drawn) return;
    this.drawn = key;
    this.svg.setAttribute("viewBox", `0 0 ${width.toFixed(1)} ${height.toFixed(1)}`);
    const slot = Math.min(height / this.rows.length, SLOT.most);
    const top = (height - slot * this.rows.length) / 2 + slot / 2;
    const columns = columnsOf(width, Math.max(...this.rows.map((row) => row.score.length)));
    this.lines = this.rows.map((row, place) => {
      const [from, to] = [top + slot * this.lefts.indexOf(row), top + slot * place];
      return this.line(row, columns, from, to);
    });
    this.svg.replaceChildren(...this.lines.map(({ group }) => group));
    this.fit(columns);
    this.show(this.revealed, false);
  }

  line(row, { from, left, right, to, score }, y1, y2) {
    const bend = (right - left) * 0.45;
    const medal = MEDALS[row.rank];
    const tone = (name) => (medal ? `${name} ${name}-${medal}` : name);
    const group = make("g", { class: "slope-line" });
    const begin = make("g", { class: "begin" });
    begin.append(
      make("text", { class: "from", x: from, y: y1, "text-anchor": "end" }, row.team),
      make("text", { class: "r", x: left - 14, y: y1, "text-anchor": "end" }, row.public_rank ?? "–"),
      make("circle", { class: "sd", cx: left, cy: y1, r: 4 }),
    );
    const end = make("g", { class: "end" });
    end.append(
      make("path", {
        class: tone("sl"), pathLength: 1,
        d: `M${left} ${y1}C${left + bend} ${y1} ${right - bend} ${y2} ${right} ${y2}`,
      }),
      make("circle", { class: `${tone("sd")} arrives`, cx: right, cy: y2, r: medal ? 6 : 4 }),
      make("text", { class: "r arrives", x: right + 16, y: y2 }, row.rank),
      make("text", { class: `to arrives${medal ? " name-1" : ""}`, x: to, y: y2 }, row.team),
      make("text", { class: "score arrives", x: score, y: y2, "text-anchor": "end" }, row.score),
    );
    group.append(begin, end);
    return { group, end };
  }

  fit({ from, to, score, scoreRoom = 0 }) {
    for (const { group } of this.lines) {
      fit(group.querySelector(".from"), Math.max(from, UNIT));
      fit(group.querySelector(".to"), score - scoreRoom - to - (scoreRoom ? 16 : 0));
    }
  }

  // How many lines are drawn, from the last place upwards; the newest one travels.
  show(revealed, isFresh) {
    this.revealed = revealed;
    const first = this.rows.length - revealed;
    this.lines?.forEach(({ group, end }, place) => {
      end.toggleAttribute("hidden", place < first);
      group.classList.toggle("is-told", place > first);
      group.classList.toggle("is-newest", place === first);
      group.classList.toggle("is-fresh", isFresh && place === first);
    });
    this.svg.setAttribute("aria-label", this.sentence(first));
  }

  sentence(first) {
    const told = this.rows.slice(first).map((row) => `${row.team} from ${row.public_rank ?? "no rank"} to ${row.rank}`);
    if (told.length === 0) return "Public ranks; no private rank is shown yet";
    return `Ranks from public to private: ${told.join(", ")}`;
  }
}
