// The search box over the board: hides the rows whose team does not match.
export function searchRows(toolbar, body) {
  const input = toolbar.querySelector("input");
  const result = toolbar.querySelector("[data-search-result]");

  function filter() {
    const wanted = input.value.trim().toLocaleLowerCase();
    const rows = [...body.querySelectorAll("tr[data-team]")];
    toolbar.hidden = rows.length === 0;
    const found = rows.filter((row) => row.dataset.name.toLocaleLowerCase().includes(wanted));
    for (const row of rows) row.hidden = !found.includes(row);
    body.classList.toggle("is-filtered", wanted !== "");
    result.textContent = wanted ? `${found.length} of ${rows.length}` : "";
  }

  input.addEventListener("input", filter);
  filter();
  return filter;
}
