// The search box over the board: hides at once the rows of this page whose team does not match.
// The form itself asks the server, which knows all pages.
export function searchRows(toolbar, board) {
  const form = toolbar.querySelector("[data-search]");
  const input = form.querySelector("input[type=search]");
  const result = form.querySelector("[data-search-result]");
  const all = form.querySelector("[data-search-all]");
  const asked = board.wrap.dataset.search;

  function filter() {
    const wanted = input.value.trim().toLocaleLowerCase();
    const rows = board.list;
    toolbar.hidden = rows.length === 0 && board.isWhole;
    all.hidden = board.pages < 2 && !asked;
    const isOther = wanted !== "" && wanted !== asked.toLocaleLowerCase();
    const isFound = ({ team }) => !isOther || team.toLocaleLowerCase().includes(wanted);
    // One's own row stays, to compare with.
    const stays = (row) => isFound(row) || row.team_id === board.you;
    for (const row of rows) row.element.hidden = !stays(row);
    board.wrap.hidden = !rows.some(stays) && !board.pinned;
    board.body.classList.toggle("is-filtered", isOther);
    if (isOther) result.textContent = words(rows.filter(isFound).length, rows.length);
    else if (rows.length) result.textContent = "";
  }

  function words(found, rows) {
    if (board.pages < 2) return found ? `${found} of ${rows}` : "No team is called that.";
    return `${found} on this page; Enter searches all ${board.teams.toLocaleString("en")} teams`;
  }

  input.addEventListener("input", filter);
  filter();
  return filter;
}
