// A deal's row or card on the page: shown anew, put back, moved to its column. Nothing here asks the server.
import { $, $$ } from "./dom.js";

export function showCategory(node, category) {
  const pill = $("inline-edit[data-field=category] .pill, .deal-category .pill, .pill", node);
  if (!pill) return;
  const known = $(`[data-bulk="category"][data-value="${category}"]`);
  const label = [...(known?.childNodes ?? [])].filter((child) => child.nodeType === Node.TEXT_NODE).map((child) => child.textContent.trim()).join("");
  pill.dataset.category = category;
  if (label) pill.textContent = label;
  if (node.matches(".deal-card")) node.dataset.category = category;
}

export const shownCategory = (node) => node.dataset.category ?? $(".pill", node)?.dataset.category;

export const present = (node) => (node.isConnected ? node : document.getElementById(node.id) ?? node);

// A copy that comes alive again when it is put back.
export function copy(node) {
  const clone = node.cloneNode(true);
  for (const field of $$("inline-edit", clone)) delete field.dataset.ready;
  return clone;
}

export function revert(node, before) {
  if (!node.isConnected) return;
  const focused = node.contains(document.activeElement);
  node.replaceWith(before);
  before.removeAttribute("aria-busy");
  window.htmx?.process(before);
  if (focused) before.focus();
}

// Put the server's row in the place of the old one, with focus and selection where they were.
export function settle(node, answer) {
  if (answer.gone) { node.remove(); return; }
  if (!answer.row) { node.dataset.version = answer.version; node.removeAttribute("aria-busy"); return; }
  const fresh = parsed(answer.row);
  if (!fresh || !node.isConnected) return;
  replaceRow(node, fresh, true);
}

export function parsed(html) {
  const box = document.createElement("template");
  box.innerHTML = html.trim();
  return box.content.firstElementChild;
}

export function replaceRow(node, fresh, landed) {
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

const columnOf = (category) => $(`.deal-column[data-drop="${CSS.escape(category)}"]`);

export function place(card) {
  const column = columnOf(card.dataset.category ?? "");
  const list = $(".deal-column__cards", column ?? undefined);
  if (column && list) { $(".deal-column__none", list)?.remove(); list.prepend(card); } else card.remove();
}
