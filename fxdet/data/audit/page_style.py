"""Style and script of the audit's page; both stand in the page itself, which loads nothing."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --ground: #f6f7f9; --card: #ffffff; --ink: #1b1f24; --soft: #59636e;
  --line: #d5dae0; --accent: #0b62c4; --bad: #b3261e; --look: #8a5a00; --fine: #1a7034; --film: #101214; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171a; --card: #1d2125; --ink: #e8eaed; --soft: #a3acb6;
  --line: #363d45; --accent: #7ab7ff; --bad: #ff8a80; --look: #f2bd5a; --fine: #7fd49a; --film: #000000; } }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; scroll-padding-top: 1rem; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main, header, footer { max-width: 76rem; margin: 0 auto; padding: 0 1rem; }
header { padding-top: 1.5rem; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; }
h2 { font-size: 1.25rem; margin: 2.25rem 0 .5rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
p { margin: .25rem 0 .75rem; max-width: 70ch; }
a { color: var(--accent); }
.soft, caption, figcaption { color: var(--soft); }
.path { overflow-wrap: anywhere; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; margin: .75rem 0 0; padding: 0; }
.verdicts { list-style: none; margin: 0; padding: 0; display: grid; gap: .5rem; }
.verdicts li { background: var(--card); border: 1px solid var(--line); border-left: .3rem solid var(--line);
  border-radius: .4rem; padding: .6rem .8rem; }
.verdicts li.bad { border-left-color: var(--bad); }
.verdicts li.look { border-left-color: var(--look); }
.verdicts li.fine { border-left-color: var(--fine); }
.verdicts p { margin: 0; max-width: none; }
.level { font-weight: 600; }
.bad .level { color: var(--bad); } .look .level { color: var(--look); } .fine .level { color: var(--fine); }
.scroll { overflow-x: auto; width: fit-content; max-width: 100%;
  background: var(--card); border: 1px solid var(--line); border-radius: .4rem; }
.scroll:focus-visible, button:focus-visible, summary:focus-visible, a:focus-visible, input:focus-visible {
  outline: 2px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: .5rem .75rem 0; font-size: .9rem; }
th, td { text-align: left; padding: .35rem .75rem; border-bottom: 1px solid var(--line); vertical-align: top; }
tbody tr:last-child td, tbody tr:last-child th { border-bottom: 0; }
th { font-weight: 600; white-space: nowrap; }
td.number, th.number { text-align: right; white-space: nowrap; }
td.place { overflow-wrap: anywhere; min-width: 12rem; }
th button { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; }
th button::after { content: " ↕"; color: var(--soft); }
th[aria-sort=ascending] button::after { content: " ↑"; color: var(--accent); }
th[aria-sort=descending] button::after { content: " ↓"; color: var(--accent); }
.bar { display: inline-block; width: 6rem; max-width: 30vw; height: .55rem; border-radius: .3rem;
  background: var(--line); }
.bar span { display: block; height: 100%; border-radius: .3rem; background: var(--accent); }
.filters { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin: .5rem 0 .75rem; }
.filters button, .filters input { font: inherit; font-size: .92rem; padding: .3rem .7rem; color: var(--ink);
  background: var(--card); border: 1px solid var(--line); border-radius: 1rem; }
.filters button { cursor: pointer; }
.filters button[aria-pressed=true] { border-color: var(--accent); color: var(--accent); font-weight: 600; }
.filters input { flex: 1 1 12rem; max-width: 22rem; }
.groups { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 32rem), 1fr)); gap: .75rem;
  align-items: start; }
.group { background: var(--card); border: 1px solid var(--line); border-radius: .4rem; padding: .7rem .8rem;
  content-visibility: auto; contain-intrinsic-size: auto 22rem; min-width: 0; }
.group[hidden] { display: none; }
.group h3 { margin: 0 0 .5rem; font-size: .95rem; }
.tag { display: inline-block; font-size: .8rem; font-weight: 600; padding: 0 .5rem; border-radius: 1rem;
  border: 1px solid currentColor; color: var(--soft); margin-right: .3rem; }
.tag.leak, .tag.conflict { color: var(--bad); }
.pair { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: .6rem; }
figure { margin: 0; min-width: 0; }
figure .film { background: var(--film); border-radius: .25rem; height: 15rem; display: flex;
  align-items: center; justify-content: center; overflow: hidden; color: #c8ccd0; font-size: .85rem; }
figure img { max-width: 100%; max-height: 100%; display: block; }
figcaption { font-size: .85rem; overflow-wrap: anywhere; line-height: 1.35; padding-top: .25rem; }
figcaption strong { color: var(--ink); }
details { margin-top: .5rem; font-size: .88rem; }
details ul { margin: .25rem 0 0; padding-left: 1.2rem; max-height: 14rem; overflow: auto; overflow-wrap: anywhere; }
footer { padding-bottom: 2rem; margin-top: 2.5rem; font-size: .9rem; color: var(--soft); }
@media (max-width: 30rem) { body { font-size: 15px; } figure .film { height: 11rem; }
  th, td { padding: .3rem .5rem; } }
@media print { .filters, nav { display: none; } .group { break-inside: avoid; } }
"""

SCRIPT = """
"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const numbers = head.classList.contains("number");
      const before = head.getAttribute("aria-sort");
      const down = before ? before === "ascending" : numbers;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const value = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
      const rows = [...table.tBodies[0].rows];
      rows.sort((a, b) => {
        const order = numbers ? Number(value(a)) - Number(value(b)) : value(a).localeCompare(value(b));
        return down ? -order : order;
      });
      table.tBodies[0].append(...rows);
    });
  });
}
const buttons = [...document.querySelectorAll(".filters button")];
const search = document.querySelector(".filters input");
const groups = [...document.querySelectorAll(".group")];
const shown = document.querySelector("#shown");
function choose() {
  const wanted = buttons.find((button) => button.getAttribute("aria-pressed") === "true").dataset.kind;
  const text = search.value.trim().toLowerCase();
  let number = 0;
  for (const group of groups) {
    const kind = wanted === "all" || group.dataset.kinds.split(" ").includes(wanted);
    group.hidden = !(kind && (!text || group.textContent.toLowerCase().includes(text)));
    number += group.hidden ? 0 : 1;
  }
  shown.textContent = number + " of " + groups.length + " groups";
}
if (buttons.length) {
  document.querySelector(".filters").hidden = false;
  buttons.forEach((button) => button.addEventListener("click", () => {
    buttons.forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
    choose();
  }));
  search.addEventListener("input", choose);
  choose();
}
"""
