// Tables of the class "sortable" are sorted by the button in each column's head; a second press turns the order round.
// Cells are compared as numbers where a column's filled cells begin with one ("0.899 (0.863–0.932)", "1,024", "–").
"use strict";

(function () {
  const EMPTY = new Set(["", "–", "-", "—", "not run yet", "not measured"]);

  const text = (row, column) => (row.cells[column] ? row.cells[column].textContent.trim() : "");

  const isEmpty = (value) => EMPTY.has(value);

  function number(value) {
    const found = value.replace(/[,\u2009\u202f](?=\d{3})/g, "").match(/^[~≈<>≥≤]?\s*([−+-]?(?:\d+\.?\d*|\.\d+))/);
    return found ? Number(found[1].replace("−", "-")) : NaN;
  }

  function comparison(rows, column) {
    const filled = rows.map((row) => text(row, column)).filter((value) => !isEmpty(value));
    if (filled.length && filled.every((value) => !Number.isNaN(number(value)))) {
      return (first, second) => number(first) - number(second);
    }
    return (first, second) => first.localeCompare(second, "en", { numeric: true });
  }

  function sort(table, heads, column) {
    const head = heads[column];
    const descending = head.getAttribute("aria-sort") === "ascending";
    const body = table.tBodies[0];
    const rows = Array.from(body.rows);
    const compare = comparison(rows, column);
    rows.sort((first, second) => {
      const one = text(first, column);
      const other = text(second, column);
      if (isEmpty(one) || isEmpty(other)) return isEmpty(one) - isEmpty(other); // what is empty stays below
      return descending ? compare(other, one) : compare(one, other);
    });
    rows.forEach((row, index) => {
      row.classList.toggle("row-even", index % 2 === 0);
      row.classList.toggle("row-odd", index % 2 === 1);
      body.append(row);
    });
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", descending ? "descending" : "ascending");
  }

  function prepare(table) {
    if (!table.tHead || !table.tBodies.length) return;
    const heads = Array.from(table.tHead.rows[0].cells);
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.title = "Sort by this column";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => sort(table, heads, column));
    });
  }

  document.querySelectorAll("table.sortable").forEach(prepare);
})();
