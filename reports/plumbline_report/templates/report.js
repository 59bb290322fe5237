// Sorting and filtering of tables and lists; without scripts the page is whole, only still.
"use strict";
(() => {
  const make = (tag, members, ...children) => {
    const node = Object.assign(document.createElement(tag), members);
    node.append(...children);
    return node;
  };

  // A cell's sort key: its number where it has one, else its text; null where it is empty.
  const keyOf = (row, column) => {
    const cell = row.cells[column];
    if (cell.dataset.v !== undefined) return cell.dataset.v === "" ? null : Number(cell.dataset.v);
    return cell.textContent.trim() || null;
  };
  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });

  const sortBy = (table, column, header) => {
    // numbers start with the largest, words with the first
    const first = header.classList.contains("num") ? "descending" : "ascending";
    const other = first === "ascending" ? "descending" : "ascending";
    const order = header.getAttribute("aria-sort") === first ? other : first;
    for (const th of table.tHead.rows[0].cells) th.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", order);
    const sign = order === "ascending" ? 1 : -1;
    const keyed = [...table.tBodies[0].rows].map((row) => [keyOf(row, column), row]);
    keyed.sort(([a], [b]) => (a === null || b === null ? (a === null) - (b === null) : sign * compare(a, b)));
    table.tBodies[0].append(...keyed.map(([, row]) => row));
  };

  const addFilter = (box, items, what) => {
    const told = make("span", { role: "status" });
    const input = make("input", { type: "search", placeholder: "Filter, e.g. bf16 vec16", autocomplete: "off" });
    input.setAttribute("aria-label", `Filter ${what}`);
    const texts = items.map((item) => item.textContent.toLowerCase());
    const update = () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      items.forEach((item, index) => {
        item.hidden = !words.every((word) => texts[index].includes(word));
        shown += !item.hidden;
      });
      const all = items.length === 1 && !what.endsWith("series") ? `1 ${what.replace(/s$/, "")}` : `${items.length} ${what}`;
      told.textContent = words.length ? `${shown} of ${items.length}` : all;
    };
    input.addEventListener("input", update);
    update();
    box.before(make("div", { className: "filter" }, input, told));
  };

  for (const box of document.querySelectorAll("[data-table]")) {
    const table = box.querySelector("table");
    [...table.tHead.rows[0].cells].forEach((header, column) => {
      const button = make("button", { type: "button", textContent: header.textContent });
      button.addEventListener("click", () => sortBy(table, column, header));
      header.replaceChildren(button);
    });
    addFilter(box, [...table.tBodies[0].rows], box.dataset.table);
  }
  for (const box of document.querySelectorAll("[data-list]")) addFilter(box, [...box.children], box.dataset.list);

  // A scrolling box must be reachable by keyboard.
  for (const box of document.querySelectorAll(".table, .list")) box.tabIndex = 0;

  // A link to a case opens it; printing opens all.
  const openTarget = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    // what a filter hides is shown again
    const filter = target.hidden && target.closest(".table, .list")?.previousElementSibling?.querySelector("input");
    if (filter) {
      filter.value = "";
      filter.dispatchEvent(new Event("input"));
    }
    if (target instanceof HTMLDetailsElement) target.open = true;
    target.scrollIntoView({ block: target.tagName === "TR" ? "center" : "start" });
  };
  addEventListener("hashchange", openTarget);
  // the hundreds of trends without a change stay closed on paper
  addEventListener("beforeprint", () =>
    document.querySelectorAll("details:not([data-still])").forEach((node) => (node.open = true)),
  );
  openTarget();
})();
