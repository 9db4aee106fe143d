// The published final board, as the race draws it: private scores, and the places gained or lost
// against the public board.
import { tiesOf } from "./ties.js";

export class Finals {
  isHidden = false;

  constructor(final) {
    this.final = final;
    this.ranked = final.rows;
  }

  get leader() {
    return this.ranked.find((row) => row.rank !== null) ?? null;
  }

  get teams() {
    return this.ranked.filter((row) => row.rank !== null).length;
  }

  get ties() {
    return tiesOf(this.ranked, this.leader, null, this.final.direction === "minimize" ? -1 : 1);
  }
}
