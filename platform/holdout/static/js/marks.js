// A team's mark, cell for cell the one that holdout/pages/marks.py draws.
const SIZE = 5;
const ALL_CELLS = 0x7fff;

function fnv1a(text) {
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value;
}

function bitsOf(name) {
  const value = fnv1a(name);
  const bits = (value ^ (value >>> 15)) & ALL_CELLS;
  const count = bits.toString(2).replaceAll("0", "").length;
  return count >= 5 ? bits : bits ^ ALL_CELLS;
}

export function markPath(name) {
  const bits = bitsOf(name);
  const cells = new Set();
  for (let place = 0; place < 15; place += 1) {
    if (!((bits >> place) & 1)) continue;
    const column = Math.floor(place / SIZE);
    const row = (place % SIZE) + 1;
    cells.add(`M${column + 1} ${row}h1v1h-1z`).add(`M${SIZE - column} ${row}h1v1h-1z`);
  }
  return [...cells].join("");
}
