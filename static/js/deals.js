// Deals: number keys, quick cures, bulk changes, the board, and rows that follow live changes without moving.
//
// Rows and cards carry data-deal, data-version, data-edit-url. A change is shown at once; the server's row replaces it,
// or what stood there returns with the reason. Parts marked [data-live] are refetched when something changed.
import { $, $$, announce, el, fireTriggers, post, text } from "./dom.js";
import { preference } from "./preferences.js";
import { toast } from "./toasts.js";

const page = () => $("[data-deals]");
const KEYS = { 1: "COMMIT", 2: "UPSIDE", 3: "PIPELINE", 4: "OMITTED", 5: "WON" };
// Somebody types in it, waits for an answer about it, has a menu of it open or a finger on it: it must not be replaced.
const IN_USE = ".edit-field, inline-edit[aria-busy=true], [data-deal][aria-busy=true], details[data-menu][open]";
let pressed = false;
let dragged = null;
const inUse = (root) => dragged !== null || pressed || $(IN_USE, root) !== null || root.getAttribute("aria-busy") === "true";
addEventListener("pointerdown", () => { pressed = true; }, true);
for (const name of ["pointerup", "pointercancel", "dragend"]) addEventListener(name, () => { pressed = false; }, true);
addEventListener("blur", (event) => { if (event.target === window) pressed = false; });

// The viewer's own acts: what was asked for before one of them shows the time before it, and is not to be shown any more.
let own = 0;
let acts = 0;
function acted() { own = Date.now(); acts += 1; }

// One change of one deal --------------------------------------------------------------------------------------
function showCategory(node, category) {
  const pill = $("inline-edit[data-field=category] .pill, .deal-category .pill, .pill", node);
  if (!pill) return;
  const known = $(`[data-bulk="category"][data-value="${category}"]`);
  const label = [...(known?.childNodes ?? [])].filter((child) => child.nodeType === Node.TEXT_NODE).map((child) => child.textContent.trim()).join("");
  pill.dataset.category = category;
  if (label) pill.textContent = label;
  if (node.matches(".deal-card")) node.dataset.category = category;
}

async function change(node, field, value, version = node.dataset.version) {
  const url = node.dataset.editUrl;
  if (!url) { toast(text("forbidden"), { level: "error" }); return false; }
  const before = copy(node);
  node.setAttribute("aria-busy", "true");
  if (field === "category") showCategory(node, value);
  acted();
  try {
    const response = await post(withOwners(url), { field, value, version }, { "HX-Request": "true" });
    const answer = await response.json().catch(() => ({}));
    if (response.ok) {
      acted();
      settle(node, answer);
      fireTriggers(response);
      refresh();
      return true;
    }
    revert(node, before);
    if (response.status === 409) conflict(answer, value, () => change($(`#${CSS.escape(before.id)}`), field, value, String(answer.version)));
    else toast(answer.message ?? text("refused"), { level: "error" });
  } catch {
    revert(node, before);
    toast(text("saveFailed"), { level: "error" });
  }
  return false;
}

// A copy that comes alive again when it is put back.
function copy(node) {
  const clone = node.cloneNode(true);
  for (const field of $$("inline-edit", clone)) delete field.dataset.ready;
  return clone;
}

function withOwners(url) {
  const owners = page()?.dataset.bulkUrl?.includes("owners=1");
  return owners && !url.includes("owners=1") ? `${url}&owners=1` : url;
}

function revert(node, before) {
  if (!node.isConnected) return;
  const focused = node.contains(document.activeElement);
  node.replaceWith(before);
  before.removeAttribute("aria-busy");
  if (focused) before.focus();
}

// Put the server's row in the place of the old one, with focus and selection where they were.
function settle(node, answer) {
  if (answer.gone) { node.remove(); return; }
  if (!answer.row) { node.dataset.version = answer.version; node.removeAttribute("aria-busy"); return; }
  const fresh = parsed(answer.row);
  if (!fresh || !node.isConnected) return;
  replaceRow(node, fresh, true);
}

function parsed(html) {
  const box = document.createElement("template");
  box.innerHTML = html.trim();
  return box.content.firstElementChild;
}

function replaceRow(node, fresh, landed) {
  const active = document.activeElement;
  const inside = node.contains(active);
  const field = inside ? active.closest("inline-edit")?.dataset.field : null;
  const checked = $("input[data-select]", node)?.checked;
  const column = node.closest("[data-drop]");
  node.replaceWith(fresh);
  if (checked) { const box = $("input[data-select]", fresh); if (box) { box.checked = true; fresh.setAttribute("aria-selected", "true"); } }
  fresh.tabIndex = node.tabIndex;
  if (column && fresh.dataset.category && column.dataset.drop !== fresh.dataset.category) place(fresh);
  if (landed) fresh.classList.add("just-landed");
  document.body.dispatchEvent(new CustomEvent("salesops:rows", { bubbles: true }));
  if (inside) (field ? $(`inline-edit[data-field="${field}"]`, fresh) ?? fresh : fresh).focus({ preventScroll: true });
}

function conflict(answer, mine, useMine) {
  const dialog = el("dialog", { class: "dialog", "aria-label": answer.message ?? text("conflict") });
  const close = () => { dialog.close(); dialog.remove(); };
  dialog.append(
    el("h2", {}, answer.message ?? text("conflict")),
    el("dl", { class: "facts" },
      el("dt", {}, text("theirs")), el("dd", {}, `${answer.display ?? answer.value ?? "–"}${answer.by ? ` · ${answer.by}` : ""}`),
      el("dt", {}, text("yours")), el("dd", {}, mine)),
    el("div", { class: "dialog__actions" },
      el("button", { class: "btn", type: "button", onclick: () => { close(); useMine(); } }, text("useMine")),
      el("button", { class: "btn btn--primary", type: "button", onclick: () => { close(); refresh(); } }, text("keepTheirs"))));
  document.body.append(dialog);
  dialog.showModal();
}

// Several deals as one act ----------------------------------------------------------------------------------------
const selected = () => $$("[data-deal] input[data-select]:checked").map((box) => box.closest("[data-deal]"));

async function changeMany(nodes, field, value) {
  const befores = nodes.map((node) => [node, copy(node)]);
  for (const node of nodes) node.setAttribute("aria-busy", "true");
  if (field === "category") nodes.forEach((node) => showCategory(node, value));
  acted();
  try {
    const items = nodes.map((node) => `${node.dataset.deal}:${node.dataset.version}`).join(",");
    const response = await post(page().dataset.bulkUrl, { items, field, value }, { "HX-Request": "true" });
    const answer = await response.json().catch(() => ({}));
    acted();
    const done = new Map((answer.changed ?? []).map((item) => [String(item.id), item]));
    for (const [node, before] of befores) {
      const item = done.get(node.dataset.deal);
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
  if (set) { const node = set.closest("[data-deal]"); if (node) change(node, set.dataset.set, set.dataset.value).then((done) => { if (done) refreshDeals(); }); return; }
  const bulk = event.target.closest?.("button[data-bulk]");
  if (bulk) { changeMany(selected(), bulk.dataset.bulk, bulk.dataset.value); return; }
  if (event.target.closest?.("[data-clear]")) {
    for (const box of $$("input[data-select]:checked, input[data-select-all]:checked")) { box.checked = true; box.click(); }
    return;
  }
  if (event.target.closest?.("[data-refresh]")) location.reload();
});
document.addEventListener("change", (event) => {
  const field = event.target;
  if (!field.matches?.("input[data-bulk], select[data-bulk]") || !field.value) return;
  changeMany(selected(), field.dataset.bulk, field.value);
  field.value = "";
});

// A cure in the queue: the item leaves at once and comes back when refused.
async function cure(node, field, value) {
  node.classList.add("is-leaving");
  const list = node.parentElement;
  const next = node.nextElementSibling ?? node.previousElementSibling;
  if (await change(node, field, value)) {
    if (node.isConnected) node.remove();
    if (list?.isConnected) next?.focus({ preventScroll: true });
  } else node.classList.remove("is-leaving");
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
  else change(row, "category", category).then((done) => { if (done) refreshDeals(); });
}, true);

// Inline edits answer with the row --------------------------------------------------------------------------------------
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
const columnOf = (category) => $(`.deal-column[data-drop="${CSS.escape(category)}"]`);

function place(card) {
  const column = columnOf(card.dataset.category ?? "");
  const list = $(".deal-column__cards", column ?? undefined);
  if (column && list) { $(".deal-column__none", list)?.remove(); list.prepend(card); } else card.remove();
}

async function moveTo(card, category) {
  if (card.dataset.category === category) return;
  const home = card.parentElement;
  const next = card.nextElementSibling;
  const former = card.dataset.category;
  card.dataset.category = category;
  place(card);
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

// Live: what others changed ----------------------------------------------------------------------------------------------
let timer = 0;
function refresh(delay = 120) {
  if (!page()) return;
  clearTimeout(timer);
  timer = setTimeout(fetchParts, delay);
}

async function fetchParts() {
  const here = page();
  if (!here || document.hidden) return;
  if (inUse(here)) { refresh(800); return; }
  const before = acts;
  let fresh;
  try {
    const response = await fetch(location.href, { credentials: "same-origin", headers: { "X-Part": "live" } });
    if (!response.ok || response.redirected) return;
    fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  } catch { return; }
  if (acts !== before) { refresh(); return; }
  if (inUse(here)) { refresh(800); return; }
  for (const part of $$("[data-live]", here)) replacePart(part, fresh.getElementById(part.id));
  replaceRows(fresh);
}

function replacePart(part, fresh) {
  if (!fresh || part.innerHTML === fresh.innerHTML) return;
  const row = part.contains(document.activeElement) ? document.activeElement.closest("[data-deal]") : null;
  const id = row?.id;
  part.replaceChildren(...fresh.childNodes);
  window.htmx?.process(part);
  if (id) ($(`#${CSS.escape(id)}`) ?? $("[data-row]", part))?.focus({ preventScroll: true });
}

function replaceRows(fresh) {
  const rows = $$("#deals-rows [data-deal]");
  const wanted = new Map([...fresh.querySelectorAll("#deals-rows [data-deal]")].map((row) => [row.id, row]));
  for (const row of rows) {
    const other = wanted.get(row.id);
    if (other && other.dataset.version !== row.dataset.version) replaceRow(row, other, true);
  }
  for (const header of $$(".deal-column__head")) {
    const other = fresh.querySelector(`[data-drop="${header.parentElement.dataset.drop}"] .deal-column__head`);
    if (other) header.replaceChildren(...other.childNodes);
  }
  const chip = document.getElementById("deals-chip");
  const moved = rows.some((row) => !wanted.has(row.id)) || wanted.size !== rows.length;
  if (chip) chip.hidden = !(moved && Date.now() - own > 4000);
}

// A deal's own page, or its drawer, follows too, unless somebody is typing in it.
let dealTimer = 0;
function refreshDeals(delay = 60) {
  clearTimeout(dealTimer);
  dealTimer = setTimeout(() => {
    for (const node of $$("[data-deal-page]")) {
      if (isLeftAlone(node)) window.htmx?.trigger(node, "refresh");
      else refreshDeals(800);
    }
  }, delay);
}

const isLeftAlone = (node) => !inUse(node) && !$("form[data-dirty=true]", node);

// The answer may come when somebody has begun to type since it was asked for: it is asked for again later.
const asked = new WeakMap();
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target.matches?.("[data-deal-page]")) asked.set(event.detail.xhr, acts);
});
document.addEventListener("htmx:beforeSwap", (event) => {
  const node = event.detail.target;
  if (!node.matches?.("[data-deal-page]") || !asked.has(event.detail.xhr)) return;
  if (isLeftAlone(node) && asked.get(event.detail.xhr) === acts) return;
  event.detail.shouldSwap = false;
  refreshDeals(isLeftAlone(node) ? 60 : 800);
});

document.body.addEventListener("salesops:changed", (event) => {
  if (page()) refresh(event.detail?.undone ? 0 : 150);
  if ($("[data-deal-page]")) refreshDeals(event.detail?.undone ? 0 : 250);
});
