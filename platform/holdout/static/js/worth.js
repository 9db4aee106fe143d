// The card of what a lead is worth. Its estimates come from the server, a while after the scores:
// those of another leader or of an older score are hidden until then.
import { sparing } from "./pace.js";
import { renewRegions } from "./regions.js";

const PAUSE = 6000; // milliseconds, and up to as many more, so that a room does not ask at once

const isOf = (told, row) => {
  const [team, value] = told.split(",");
  return row ? Number(team) === row.team_id && Number(value) === row.value : team === "";
};

export class Worth {
  constructor(card, board) {
    this.card = card;
    this.board = board;
    this.renew = sparing(PAUSE, () => renewRegions("worth").catch(() => {}), true);
    card?.addEventListener("renewed", () => this.check());
  }

  get own() {
    const { shown, you } = this.board;
    return shown.find(({ team_id }) => team_id === you) ?? null;
  }

  // After a change of the board: asks for the card where it tells of something else by now.
  follow() {
    if (this.card && !this.check()) this.renew();
  }

  // The statistics have come: so have estimates, where there were none for these two.
  learn() {
    if (this.card && (!this.check() || !this.card.querySelector("[data-expected]"))) this.renew();
  }

  check() {
    const estimates = this.card.querySelector("[data-expected]");
    if (!estimates) return true;
    const { leader, own } = estimates.dataset;
    const isTrue = isOf(leader, this.board.leader) && isOf(own, this.own);
    estimates.hidden = !isTrue;
    return isTrue;
  }
}
