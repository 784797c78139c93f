// Deals: number keys, quick cures, bulk changes, the board.
//
// Rows and cards carry data-deal, data-version, data-edit-url. A change is shown at once; the server's row replaces it,
// or what stood there returns with the reason (deal-rows.js). What others change arrives by deals-live.js.
import { copy, parsed, place, present, replaceRow, revert, settle, showCategory, shownCategory } from "./deal-rows.js";
import { acted, page, refresh, refreshDeals } from "./deals-live.js";
import { onSettled } from "./dates.js";
import { decideClosing, decideConflict } from "./decisions.js";
import { $, $$, announce, fireTriggers, post, text } from "./dom.js";
import { clearSelection } from "./keyboard.js";
import { preference } from "./preferences.js";
import { toast } from "./toasts.js";
import { inTurn, latest, own as ownVersion } from "./turns.js";

let dragged = null;
const KEYS = { 1: "COMMIT", 2: "UPSIDE", 3: "PIPELINE", 4: "OMITTED", 5: "WON" };

// One change of one deal --------------------------------------------------------------------------------------
/** Closing is a decision: true at once for other values, else what the person says. */
async function decided(nodes, field, value, status = field === "category" && ["WON", "LOST"].includes(value) ? value : "") {
  const open = nodes.filter((node) => field !== "category" || shownCategory(node) !== value);
  const address = nodes[0]?.closest("[data-closing-url]")?.dataset.closingUrl;
  if (!status || !open.length || !address) return true;
  return decideClosing(address, { items: open.map((node) => `${node.dataset.deal}:${node.dataset.version}`).join(","), field, value }, status);
}

// Changes of one deal wait for each other. What stood there before the first of them returns when one is refused.
const waiting = new Map();

function change(node, field, value, version = node.dataset.version) {
  const url = node.dataset.editUrl;
  if (!url) { toast(text("forbidden"), { level: "error" }); return Promise.resolve(false); }
  const wait = waiting.get(node.id) ?? { count: 0, before: copy(node), failed: false };
  waiting.set(node.id, wait);
  wait.count += 1;
  node.setAttribute("aria-busy", "true");
  if (field === "category") showCategory(node, value);
  acted();
  return inTurn(url, () => send(node, field, value, version, wait));
}

async function send(asked, field, value, seen, wait) {
  const node = present(asked);
  const version = latest(node.dataset.editUrl, seen);
  let response = null;
  let answer = {};
  if (!wait.failed) {
    try {
      response = await post(withOwners(node.dataset.editUrl), { field, value, version }, { "HX-Request": "true" });
      answer = await response.json().catch(() => ({}));
    } catch { toast(text("saveFailed"), { level: "error" }); }
  }
  wait.count -= 1;
  if (!wait.count) waiting.delete(node.id);
  if (response?.ok) {
    acted();
    ownVersion(node.dataset.editUrl, version, answer.version);
    if (!wait.count) settle(node, answer);
    fireTriggers(response);
    refresh();
    return true;
  }
  wait.failed = response?.status !== 422;
  if (!wait.count) revert(node, wait.before);
  if (response?.status === 409) conflict(node.id, field, value, answer);
  else if (response) toast(answer.message ?? text("refused"), { level: "error" });
  refresh();
  refreshDeals();
  return false;
}

async function conflict(id, field, value, answer) {
  const choice = await decideConflict(answer, value);
  const node = document.getElementById(id);
  if (choice === "mine" && node) change(node, field, value, String(answer.version));
  else { refresh(); refreshDeals(); }
}

function withOwners(url) {
  const owners = page()?.dataset.bulkUrl?.includes("owners=1");
  return owners && !url.includes("owners=1") ? `${url}&owners=1` : url;
}

// Several deals as one act ----------------------------------------------------------------------------------------
// Beside an open deal the selection is not what keys are about.
const selected = () => ($("#drawer[open]") ? [] : $$("[data-deal] input[data-select]:checked").map((box) => box.closest("[data-deal]")));

async function changeMany(nodes, field, value) {
  if (!(await decided(nodes, field, value))) return;
  const befores = nodes.map((node) => [node, copy(node)]);
  for (const node of nodes) node.setAttribute("aria-busy", "true");
  if (field === "category") nodes.forEach((node) => showCategory(node, value));
  acted();
  try {
    const items = nodes.map((node) => `${node.dataset.deal}:${latest(node.dataset.editUrl, node.dataset.version)}`).join(",");
    const response = await post(page().dataset.bulkUrl, { items, field, value }, { "HX-Request": "true" });
    const answer = await response.json().catch(() => ({}));
    acted();
    const done = new Map((answer.changed ?? []).map((item) => [String(item.id), item]));
    for (const [node, before] of befores) {
      const item = done.get(node.dataset.deal);
      if (item) ownVersion(node.dataset.editUrl, item.version - 1, item.version);
      if (item) settle(node, item); else revert(node, before);
    }
    fireTriggers(response);
    if (!response.ok) toast(answer.message ?? text("refused"), { level: "error" });
    refresh();
  } catch {
    befores.forEach(([node, before]) => revert(node, before));
    toast(text("saveFailed"), { level: "error" });
  }
}

document.addEventListener("click", (event) => {
  const quick = event.target.closest?.("[data-quick]");
  if (quick) { const node = quick.closest("[data-deal]"); if (node) cure(node, quick.dataset.quick, quick.dataset.value); return; }
  const move = event.target.closest?.("[data-move]");
  if (move) { move.closest("details")?.removeAttribute("open"); const node = move.closest("[data-deal]"); if (node) moveTo(node, move.dataset.move); return; }
  const set = event.target.closest?.("[data-set]");
  if (set) { const node = set.closest("[data-deal]"); if (node) setField(node, set.dataset.set, set.dataset.value); return; }
  const bulk = event.target.closest?.("button[data-bulk]");
  if (bulk) { changeMany(selected(), bulk.dataset.bulk, bulk.dataset.value); return; }
  const remove = event.target.closest?.("[data-remove]");
  if (remove) { removeDeal(remove.closest("[data-deal]"), remove.dataset.remove); return; }
  if (event.target.closest?.("[data-clear]")) { clearSelection(); return; }
  if (event.target.closest?.("[data-refresh]")) location.reload();
});
onSettled("input[data-bulk], select[data-bulk]", (field) => {
  if (!field.value) return;
  changeMany(selected(), field.dataset.bulk, field.value);
  field.value = "";
});

async function setField(node, field, value) {
  if (await decided([node], field, value) && await change(present(node), field, value)) refreshDeals();
}

// A cure in the queue: the item is struck out and stays until one moves on, so that the next key or click meets no other.
async function cure(node, field, value) {
  node.classList.add("is-settled");
  if (!node.contains(document.activeElement)) node.focus({ preventScroll: true });
  if (!(await change(node, field, value))) present(node).classList.remove("is-settled");
}
document.addEventListener("focusin", (event) => {
  if ($(".queue__item.is-settled") && !event.target.closest(".queue__item.is-settled")) refresh();
});

// A deal written down by mistake: its page says that it was removed, and the toast brings it back.
async function removeDeal(node, url) {
  acted();
  try {
    const response = await post(url, { version: latest(node.dataset.editUrl, node.dataset.version) }, { "HX-Request": "true" });
    const answer = await response.json().catch(() => ({}));
    acted();
    if (!response.ok) toast(answer.message ?? text("refused"), { level: "error" });
    fireTriggers(response);
  } catch { toast(text("saveFailed"), { level: "error" }); }
  refreshDeals();
  refresh();
}

// Number keys, before the shell's own keys ---------------------------------------------------------------------------
document.addEventListener("keydown", (event) => {
  const category = KEYS[event.key];
  if (!category || page()?.dataset.historic !== undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  if (preference("keys") === "off" || $("dialog:modal")) return;
  const target = event.target;
  if (target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
  const many = selected();
  const row = target.closest?.("[data-deal]");
  if (!many.length && !row?.dataset.editUrl) return;
  event.preventDefault();
  event.stopPropagation();
  if (many.length) changeMany(many, "category", category);
  else if (row.matches(".deal-card")) moveTo(row, category);
  else setField(row, "category", category);
}, true);

// Inline edits ask before they close a deal, and answer with the row --------------------------------------------------------------------------------------
document.addEventListener("salesops:before-save", (event) => {
  const node = event.target.closest?.("[data-deal]");
  const { field, value, options } = event.detail;
  const status = field === "category" ? undefined : options.find(([code]) => String(code) === value)?.[2] ?? "";
  if (node && ["category", "stage_id"].includes(field)) event.detail.wait = decided([node], field, value, status);
});
document.addEventListener("salesops:saved", (event) => {
  acted();
  const node = event.target.closest?.("[data-deal]");
  if (!node || node.matches("[data-deal-page]")) { if (node) node.dataset.version = event.detail?.version ?? ""; refreshDeals(); refresh(); return; }
  if (event.detail?.gone) { node.remove(); refresh(); return; }
  if (event.detail?.row) { const fresh = parsed(event.detail.row); if (fresh) replaceRow(node, fresh, true); }
  else node.dataset.version = event.detail?.version ?? node.dataset.version;
  refresh();
});

// The board: drag, or the card's menu, or the keys -------------------------------------------------------------------------
async function moveTo(card, category) {
  if (card.dataset.category === category || !(await decided([card], "category", category))) return;
  const home = card.parentElement;
  const next = card.nextElementSibling;
  const former = card.dataset.category;
  const focused = card.contains(document.activeElement);
  card.dataset.category = category;
  place(card);
  if (focused && card.isConnected) card.focus({ preventScroll: true });
  if (!(await change(card, "category", category))) {
    const back = document.getElementById(card.id) ?? card;
    back.dataset.category = former;
    if (home.isConnected) home.insertBefore(back, next?.isConnected ? next : null);
  } else announce(text("saved"));
}

document.addEventListener("dragstart", (event) => {
  const card = event.target.closest?.(".deal-card[draggable=true]");
  if (!card) return;
  dragged = card;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", card.dataset.deal);
  requestAnimationFrame(() => { card.classList.add("is-dragged"); $("[data-board]")?.classList.add("is-dragging"); });
});
document.addEventListener("dragend", () => {
  dragged?.classList.remove("is-dragged");
  dragged = null;
  $("[data-board]")?.classList.remove("is-dragging");
  for (const column of $$(".deal-column.is-over")) column.classList.remove("is-over");
});
document.addEventListener("dragover", (event) => {
  const column = dragged && event.target.closest?.("[data-drop]");
  for (const other of $$(".deal-column.is-over")) if (other !== column) other.classList.remove("is-over");
  if (!column) return;
  event.preventDefault();
  column.classList.add("is-over");
});
document.addEventListener("drop", (event) => {
  const column = dragged && event.target.closest?.("[data-drop]");
  if (!column) return;
  event.preventDefault();
  const card = dragged;
  card.classList.remove("is-dragged");
  moveTo(card, column.dataset.drop);
});
