// Keys. Single letters can be switched off (WCAG 2.1.4); while typing none of them acts.
import { $, $$, isTyping } from "./dom.js";
import { isDeciding } from "./decisions.js";
import { closeDrawer, openDrawer } from "./drawer.js";
import { preference, setPreference } from "./preferences.js";
import { undoLatest } from "./toasts.js";

let goUntil = 0;
const lettersOn = () => preference("keys") !== "off";
const dialogOpen = () => $("dialog:modal") !== null;

function openDialog(id) {
  const dialog = document.getElementById(id);
  if (!dialog || dialog.open) return;
  dialog.showModal();
  dialog.dispatchEvent(new Event("salesops:open"));
}

// Lists: any container with `data-list`; rows carry `data-row`; `data-first-list` is where J begins. --------------------------------------------
const list = () => document.activeElement?.closest?.("[data-list]") ?? $("#drawer[open] [data-list]") ?? $("main [data-first-list] [data-list]") ?? $("main [data-list]");
const rowsOf = (box) => $$("[data-row]", box).filter((row) => !row.hidden && row.offsetParent !== null);
const currentRow = (box) => document.activeElement?.closest?.("[data-row]") ?? rowsOf(box).find((row) => row.tabIndex === 0);

export function focusRow(box, row) {
  for (const other of $$("[data-row][tabindex='0']", box)) other.tabIndex = -1;
  row.tabIndex = 0;
  row.focus();
  row.scrollIntoView({ block: "nearest" });
}

/** The row a step away, which beyond the end of a list is the nearest of the next list on the page, or in the drawer. */
function rowFrom(box, row, step) {
  const rows = rowsOf(box);
  const next = rows[rows.indexOf(row) + step];
  if (next) return next;
  const lists = $$("[data-list]", box.closest("#drawer, main") ?? document.body).filter((other) => other === box || rowsOf(other).length);
  const beyond = lists[lists.indexOf(box) + step];
  return beyond ? rowsOf(beyond).at(step > 0 ? 0 : -1) : row;
}

function move(step) {
  const box = list();
  if (!box) return false;
  const row = currentRow(box);
  const inside = document.activeElement?.closest?.("[data-row]") !== null;
  const next = inside ? rowFrom(box, row, step) : row ?? rowsOf(box)[0];
  if (next) focusRow(next.closest("[data-list]"), next);
  const drawer = $("#drawer");
  const link = next && $("a[data-drawer][data-row-open], a[data-drawer]", next);
  if (drawer?.open && !drawer.contains(next) && link && inside) {
    openDrawer(link.href, next);
  }
  return Boolean(next);
}

function onRow(run) {
  const row = document.activeElement?.closest?.("[data-row]");
  if (!row) return false;
  return run(row) !== false;
}

const openRow = (row) => {
  const link = $("[data-row-open]", row) ?? $("a[href]", row);
  if (!link) return false;
  if (link.hasAttribute("data-drawer")) openDrawer(link.href, row); else link.click();
  return true;
};
const selectRow = (row) => {
  const box = $("input[type=checkbox][data-select]", row);
  if (!box) return false;
  box.click();
  return true;
};
const editRow = (row) => {
  const field = $("inline-edit:not([aria-disabled=true])", row) ?? $("[data-edit]", row);
  if (!field) return false;
  if (field.startEdit) field.startEdit(); else field.click();
  return true;
};

const LETTERS = {
  j: () => move(1),
  k: () => move(-1),
  x: () => onRow(selectRow),
  e: () => onRow(editRow),
  z: () => undoLatest(),
  "/": () => { const field = $("[data-filter]"); field?.focus(); field?.select?.(); return Boolean(field); },
  "?": () => { openDialog("shortcuts"); return true; },
  "[": () => { setPreference("nav", preference("nav") === "slim" ? "open" : "slim"); return true; },
  g: () => { goUntil = Date.now() + 1500; return true; },
};

document.addEventListener("keydown", (event) => {
  const key = event.key.toLowerCase();
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && key === "k") {
    event.preventDefault();
    if (!isDeciding()) openDialog("palette");
    return;
  }
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && !dialogOpen() && !isTyping(event.target)) {
    if (closeDrawer() || clearSelection()) event.preventDefault();
    return;
  }
  if (isTyping(event.target) || dialogOpen()) return;
  if (event.key === "Enter" && event.target.matches?.("[data-row]")) {
    if (openRow(event.target)) event.preventDefault();
    return;
  }
  if (!lettersOn()) return;
  if (Date.now() < goUntil) {
    goUntil = 0;
    const link = $(`.rail [data-go="${CSS.escape(key)}"]`);
    if (link) { event.preventDefault(); location.href = link.href; return; }
  }
  // A page's own key: a control with data-key, in the focused row first, then anywhere in main and the bar above it.
  const row = document.activeElement?.closest?.("[data-row]");
  const own = (row && $(`[data-key="${CSS.escape(key)}"]`, row)) ?? $(`:is(main, .topbar) [data-key="${CSS.escape(key)}"]:not([data-row] *)`);
  if (own) { event.preventDefault(); own.click(); return; }
  if (LETTERS[key]?.()) event.preventDefault();
});

// Selecting rows: shift-click ranges, select-all, bulk bar. -------------------------------------------------
let lastBox = null;
document.addEventListener("click", (event) => {
  const box = event.target;
  if (!(box instanceof HTMLInputElement) || box.type !== "checkbox") return;
  const holder = box.closest("[data-list]");
  if (!holder) return;
  if (box.hasAttribute("data-select-all")) {
    for (const other of $$("input[data-select]", holder)) other.checked = box.checked;
  } else if (box.hasAttribute("data-select") && event.shiftKey && lastBox) {
    const boxes = $$("input[data-select]", holder);
    const [from, to] = [boxes.indexOf(lastBox), boxes.indexOf(box)].sort((a, b) => a - b);
    boxes.slice(from, to + 1).forEach((other) => { other.checked = box.checked; });
  }
  if (box.hasAttribute("data-select")) lastBox = box;
  showSelection(holder);
});

/** Select nothing; false when nothing was selected. */
export function clearSelection() {
  const boxes = $$("input[data-select]:checked");
  for (const box of boxes) box.checked = false;
  for (const holder of new Set(boxes.map((box) => box.closest("[data-list]")))) showSelection(holder);
  return boxes.length > 0;
}

function showSelection(holder) {
  const boxes = $$("input[data-select]", holder);
  const count = boxes.filter((box) => box.checked).length;
  for (const box of boxes) box.closest("[data-row]")?.setAttribute("aria-selected", String(box.checked));
  const all = $("input[data-select-all]", holder);
  if (all) { all.checked = count > 0 && count === boxes.length; all.indeterminate = count > 0 && count < boxes.length; }
  for (const bar of $$("[data-bulk-bar]")) {
    bar.hidden = count === 0;
    const number = $("[data-selected-count]", bar);
    if (number) number.textContent = String(count);
  }
}

const keys = document.getElementById("page-keys");
if (keys?.content.childElementCount) document.getElementById("shortcut-keys")?.append(keys.content.cloneNode(true));
if (/Mac|iPhone|iPad/.test(navigator.platform)) for (const node of $$("[data-mod-key]")) node.textContent = "⌘ K";
