// Each cell is told its column's name, which style.css shows where it stacks the cells of a row. An empty corner is no
// heading.
for (const table of document.querySelectorAll(".md-typeset table:not([class])")) {
  for (const corner of table.querySelectorAll("th:empty")) corner.replaceWith(document.createElement("td"));
  const names = [...table.tHead.rows[0].cells].map((head) => head.textContent.trim());
  for (const row of table.tBodies[0].rows) {
    [...row.cells].forEach((cell, column) => (cell.dataset.column = names[column] ?? ""));
  }
}
