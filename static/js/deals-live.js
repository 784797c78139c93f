// Deals follow what others change, without moving under anybody: parts marked [data-live] are fetched again, rows are
// replaced where they stand, an open deal follows too; and the filter over the list applies itself.
import { isDeciding } from "./decisions.js";
import { replaceRow } from "./deal-rows.js";
import { $, $$, announce, text } from "./dom.js";
import { clearSelection, focusRow } from "./keyboard.js";
import { toast } from "./toasts.js";

export const page = () => $("[data-deals]");
// Somebody types in it, waits for an answer about it, has a menu of it open or a finger on it: it must not be replaced.
const IN_USE = ".edit-field, inline-edit[aria-busy=true], [data-deal][aria-busy=true], details[data-menu][open]";
let pressed = false;
let dragged = false;
const inUse = (root) => dragged || pressed || isDeciding() || $(IN_USE, root) !== null || root.getAttribute("aria-busy") === "true";
addEventListener("pointerdown", () => { pressed = true; }, true);
for (const name of ["pointerup", "pointercancel", "dragend"]) addEventListener(name, () => { pressed = false; }, true);
addEventListener("dragstart", () => { dragged = true; }, true);
addEventListener("dragend", () => { dragged = false; }, true);
addEventListener("blur", (event) => { if (event.target === window) pressed = false; });

// The viewer's own acts: what was asked for before one of them shows the time before it, and is not to be shown any more.
let own = 0;
let acts = 0;
export function acted() { own = Date.now(); acts += 1; }

// Live: what others changed ----------------------------------------------------------------------------------------------
let timer = 0;
export function refresh(delay = 120) {
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
    fresh = await pageAt(location.href);
  } catch { return; }
  if (!fresh) return;
  if (acts !== before) { refresh(); return; }
  if (inUse(here)) { refresh(800); return; }
  for (const part of $$("[data-live]", here)) replacePart(part, fresh.getElementById(part.id));
  replaceRows(fresh);
}

async function pageAt(url) {
  const response = await fetch(url, { credentials: "same-origin", headers: { "X-Part": "live", "X-By-Itself": "1" } });
  if (!response.ok || response.redirected) return null;
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

function replacePart(part, fresh) {
  if (!fresh || part.innerHTML === fresh.innerHTML) return;
  const active = part.contains(document.activeElement) ? document.activeElement : null;
  const row = active?.closest("[data-deal]");
  const kept = row && !fresh.querySelector(`#${CSS.escape(row.id)}`);
  if (kept && !keepIn(fresh, row)) return;
  for (const open of $$("details[open][id]", part)) fresh.querySelector(`#${CSS.escape(open.id)}`)?.setAttribute("open", "");
  part.replaceChildren(...fresh.childNodes);
  window.htmx?.process(part);
  if (row) (kept ? active : document.getElementById(row.id))?.focus({ preventScroll: true });
}

// Whoever stands on a row that is settled stays there, struck out, until J or K: the next key must not meet another deal.
function keepIn(fresh, row) {
  const list = fresh.querySelector("[data-list]");
  if (!list) return false;
  const place = [...row.parentElement.children].indexOf(row);
  row.classList.add("is-settled");
  list.insertBefore(row, list.children[place] ?? null);
  return true;
}

// The words of the filter apply themselves; Enter goes on to the list.
let filterTimer = 0;
let filtered = 0;
document.addEventListener("input", (event) => {
  const form = event.target.matches?.("[data-filter]") && event.target.form;
  if (!form || form.dataset.liveFilter === undefined) return;
  clearTimeout(filterTimer);
  filterTimer = setTimeout(() => applyFilter(form), 300);
});
document.addEventListener("submit", async (event) => {
  if (event.target.dataset.liveFilter === undefined || !document.activeElement?.matches("[data-filter]")) return;
  event.preventDefault();
  clearTimeout(filterTimer);
  if (!(await applyFilter(event.target))) return;
  const first = $("#deals-rows [data-row]");
  if (first) focusRow(first.closest("[data-list]"), first);
});

async function applyFilter(form) {
  const words = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
  const ticket = (filtered += 1);
  acted();
  history.replaceState(history.state, "", `${location.pathname}${words.size ? `?${words}` : ""}`);
  let fresh = null;
  try { fresh = await pageAt(location.href); } catch { /* said below */ }
  if (ticket !== filtered) return false;
  if (!fresh) { toast(text("offline"), { level: "error" }); return false; }
  acted();
  clearSelection();
  for (const id of ["deals-tiles", "deals-rows", "deals-links"]) replacePart(document.getElementById(id), fresh.getElementById(id));
  $("#deals-rows").toggleAttribute("data-first-list", fresh.querySelector("#deals-rows[data-first-list]") !== null);
  announce($("#deals-total")?.textContent ?? $("#deals-rows .empty__title")?.textContent ?? "");
  return true;
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
export function refreshDeals(delay = 60) {
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
  if (isLeftAlone(node) && asked.get(event.detail.xhr) === acts) {
    opened = $$("details[open][id]", node).map((part) => part.id);
    return;
  }
  event.detail.shouldSwap = false;
  refreshDeals(isLeftAlone(node) ? 60 : 800);
});

// What was folded open stays open.
let opened = [];
document.addEventListener("htmx:afterSwap", () => {
  for (const id of opened.splice(0)) document.getElementById(id)?.setAttribute("open", "");
});

document.body.addEventListener("salesops:changed", (event) => {
  if (page()) refresh(event.detail?.undone ? 0 : 150);
  if ($("[data-deal-page]")) refreshDeals(event.detail?.undone ? 0 : 250);
});
