// Tables of class "sortable": a click on a heading sorts by its column, a second click the other way round.
document.querySelectorAll("table.sortable").forEach(table => {
  const body = table.tBodies[0], order = new Intl.Collator("en", { numeric: true });
  const key = (row, i) => row.cells[i].dataset.sort ?? row.cells[i].textContent.trim();
  table.querySelectorAll("thead button").forEach(button => button.addEventListener("click", () => {
    const heading = button.closest("th"), up = heading.getAttribute("aria-sort") !== "ascending";
    table.querySelectorAll("thead th").forEach(th => th.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", up ? "ascending" : "descending");
    [...body.rows].sort((p, q) => {
      const x = key(p, heading.cellIndex), y = key(q, heading.cellIndex);
      return (x === "") - (y === "") || (up ? 1 : -1) * order.compare(x, y);
    }).forEach(row => body.append(row));
  }));
});
