// Dialogs, menus, popovers, copy-link: opened by data attributes, closed by Escape or a click outside.
import { $, $$, text } from "./dom.js";
import { closeDrawer } from "./drawer.js";
import { toast } from "./toasts.js";

document.addEventListener("click", (event) => {
  const target = event.target;
  if (!(target instanceof Element)) return;

  const open = target.closest("[data-open]");
  if (open) {
    event.preventDefault();
    const dialog = document.getElementById(open.dataset.open);
    if (dialog && !dialog.open) {
      dialog.showModal();
      dialog.dispatchEvent(new Event("salesops:open"));
    }
  }
  const close = target.closest("[data-close]");
  if (close) {
    const dialog = close.closest("dialog");
    if (dialog?.id === "drawer") closeDrawer();
    else dialog?.close();
  }
  if (target instanceof HTMLDialogElement && target.matches(":modal") && target.id !== "drawer") target.close();

  for (const menu of $$("details[data-menu][open]")) {
    if (!menu.contains(target)) menu.open = false;
  }

  const copy = target.closest("[data-copy-link]");
  if (copy) {
    const from = copy.dataset.copyLink;
    const url = from.startsWith("#") ? $(from)?.href : from || location.href;
    copyText(new URL(url || location.href, location.href).href);
  }
});

async function copyText(value) {
  try {
    await navigator.clipboard.writeText(value);
    toast(text("copied"));
  } catch {
    toast(text("copyFailed"), { level: "error" });
  }
}

// Menus behave like menus: arrows move, Escape returns to the button.
document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("details[data-menu][open]");
  if (!menu) return;
  const items = $$(".menu__panel :is(a, button):not([disabled])", menu);
  const index = items.indexOf(document.activeElement);
  if (event.key === "Escape") {
    menu.open = false;
    $("summary", menu).focus();
    event.stopPropagation();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const step = event.key === "ArrowDown" ? 1 : -1;
    items[(index + step + items.length) % items.length]?.focus();
  }
});

// A menu inside a scrolling table would be cut off: place its panel in the window instead.
document.addEventListener("toggle", (event) => {
  const node = event.target;
  if (node instanceof HTMLElement && node.matches("[popover]") && event.newState === "open") placePopover(node);
  if (!(node instanceof HTMLDetailsElement) || !node.matches("[data-menu]") || !node.open) return;
  for (const other of $$("details[data-menu][open]")) if (other !== node) other.open = false;
  const panel = $(".menu__panel", node);
  if (!panel) return;
  if (node.closest(".table-scroll, .drawer__host")) place(panel, $("summary", node).getBoundingClientRect());
  else keepInside(panel);
}, true);

/** A menu near the edge of a narrow window moves until all of it is seen; measured as it lies before moving. */
function keepInside(panel) {
  const left = panel.offsetParent.getBoundingClientRect().left + panel.offsetLeft;
  const right = left + panel.offsetWidth;
  const shift = left < 8 ? 8 - left : Math.min(0, innerWidth - 8 - right);
  panel.style.translate = `${shift}px 0`;
}

function placePopover(popover) {
  const button = document.querySelector(`[popovertarget="${CSS.escape(popover.id)}"]`);
  if (button) place(popover, button.getBoundingClientRect());
}

function place(node, anchor) {
  node.style.position = "fixed";
  node.style.inset = "auto";
  const { offsetWidth: width, offsetHeight: height } = node;
  const left = Math.max(12, Math.min(anchor.left, innerWidth - width - 12));
  const below = anchor.bottom + 6;
  const top = below + height > innerHeight - 8 ? Math.max(8, anchor.top - height - 6) : below;
  node.style.left = `${left}px`;
  node.style.top = `${top}px`;
}
addEventListener("scroll", (event) => {
  for (const node of $$("[popover]:popover-open")) if (!node.contains(event.target)) node.hidePopover();
  for (const menu of $$(".table-scroll details[data-menu][open]")) if (!menu.contains(event.target)) menu.open = false;
}, true);
