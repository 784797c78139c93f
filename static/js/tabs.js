// Tabs inside a page: role=tablist with [role=tab][aria-controls]; arrows move, panels show. Where a row of tabs, of
// pages too, is wider than the screen, the current one is brought into sight.
import { $$, onContent, once } from "./dom.js";

function show(tab) {
  const row = tab.closest(".tabs");
  if (!row) return;
  const [own, all] = [tab.getBoundingClientRect(), row.getBoundingClientRect()];
  row.scrollBy({ left: own.left + own.width / 2 - all.left - all.width / 2, behavior: "instant" });
}

function select(tab, focus = true) {
  const list = tab.closest("[role=tablist]");
  for (const other of $$("[role=tab]", list)) {
    const on = other === tab;
    other.setAttribute("aria-selected", String(on));
    other.tabIndex = on ? 0 : -1;
    const panel = document.getElementById(other.getAttribute("aria-controls"));
    if (panel) panel.hidden = !on;
    if (on && panel) {
      window.htmx?.trigger(panel, "shown");
      window.dispatchEvent(new Event("resize"));
    }
  }
  if (focus) tab.focus();
  show(tab);
}

onContent((root) => once(root, "[role=tablist]", "tabsReady", (list) => {
  const tabs = $$("[role=tab]", list);
  list.addEventListener("click", (event) => { const tab = event.target.closest("[role=tab]"); if (tab) select(tab); });
  list.addEventListener("keydown", (event) => {
    const at = tabs.indexOf(document.activeElement);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    select(tabs[(next + tabs.length) % tabs.length]);
  });
}));

onContent((root) => { for (const tab of $$(".tabs > :is([aria-current=page], [aria-selected=true])", root)) show(tab); });
