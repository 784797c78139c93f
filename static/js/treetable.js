// Tree tables: role="treegrid", rows with data-node / data-parent; -> opens, <- closes, children load on demand.
import { $, $$, announce, onContent, once, text } from "./dom.js";
import { focusRow } from "./keyboard.js";

const rows = (table) => $$("tr[data-node]", table);
const childrenOf = (table, row) => rows(table).filter((other) => other.dataset.parent === row.dataset.node);

function showBelow(table, row, shown) {
  for (const child of childrenOf(table, row)) {
    child.hidden = !shown;
    showBelow(table, child, shown && child.getAttribute("aria-expanded") === "true");
  }
}

export async function toggle(row, open = row.getAttribute("aria-expanded") !== "true") {
  const table = row.closest("table");
  if (!row.hasAttribute("aria-expanded")) return;
  if (open && row.dataset.childrenUrl && !childrenOf(table, row).length && !(await load(row))) return;
  row.setAttribute("aria-expanded", String(open));
  showBelow(table, row, open);
  remember(table);
}

async function load(row) {
  if (row.getAttribute("aria-busy") === "true") return false;
  row.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(row.dataset.childrenUrl, { credentials: "same-origin", headers: { "HX-Request": "true" } });
    if (!response.ok) throw new Error(String(response.status));
    const template = document.createElement("template");
    template.innerHTML = await response.text();
    const added = $$("tr", template.content);
    row.after(template.content);
    for (const node of added) {
      window.htmx?.process(node);
      node.dispatchEvent(new CustomEvent("salesops:content", { bubbles: true }));
    }
    announce(`${text("loaded")}: ${added.length}`);
    return true;
  } catch {
    document.body.dispatchEvent(new CustomEvent("salesops:toast", { bubbles: true, detail: { message: text("failed"), level: "error" } }));
    return false;
  } finally {
    row.removeAttribute("aria-busy");
  }
}

// Which branches are open survives a refresh of the table and a reload of the page.
const storageKey = (table) => `salesops.tree.${table.dataset.tree}`;
function remember(table) {
  if (!table.dataset.tree) return;
  const open = rows(table).filter((row) => row.getAttribute("aria-expanded") === "true").map((row) => row.dataset.node);
  try { sessionStorage.setItem(storageKey(table), JSON.stringify(open)); } catch { /* private mode */ }
}
async function recall(table) {
  let open = [];
  try { open = JSON.parse(sessionStorage.getItem(storageKey(table)) ?? "[]"); } catch { /* none */ }
  for (const node of open) {
    const row = $(`tr[data-node="${CSS.escape(node)}"]`, table);
    if (row && !row.hidden && row.getAttribute("aria-expanded") === "false") await toggle(row, true);
  }
}

function setUp(table) {
  for (const row of rows(table)) if (row.getAttribute("aria-expanded") === "false") showBelow(table, row, false);
  const first = rows(table).find((row) => !row.hidden);
  if (first && !$("tr[tabindex='0']", table)) first.tabIndex = 0;
  if (table.dataset.tree) recall(table);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.(".tree-toggle");
  if (button) toggle(button.closest("tr"));
});

document.addEventListener("keydown", (event) => {
  const row = event.target;
  if (!(row instanceof HTMLTableRowElement) || !row.closest("[role=treegrid]")) return;
  const table = row.closest("table");
  const visible = rows(table).filter((other) => !other.hidden);
  const at = visible.indexOf(row);
  const rtl = getComputedStyle(table).direction === "rtl";
  const forward = rtl ? "ArrowLeft" : "ArrowRight";
  const backward = rtl ? "ArrowRight" : "ArrowLeft";
  const expanded = row.getAttribute("aria-expanded");
  const go = (target) => { if (target) focusRow(table.closest("[data-list]") ?? table, target); };
  if (event.key === "ArrowDown") go(visible[at + 1]);
  else if (event.key === "ArrowUp") go(visible[at - 1]);
  else if (event.key === "Home") go(visible[0]);
  else if (event.key === "End") go(visible.at(-1));
  else if (event.key === forward) {
    if (expanded === "false") toggle(row, true);
    else if (expanded === "true") go(visible[at + 1]);
    else return;
  } else if (event.key === backward) {
    if (expanded === "true") toggle(row, false);
    else go($(`tr[data-node="${CSS.escape(row.dataset.parent ?? "")}"]`, table));
  } else return;
  event.preventDefault();
});

onContent((root) => once(root, "table[role=treegrid]", "treeReady", setUp));
