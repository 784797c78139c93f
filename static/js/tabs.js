// Tabs inside a page: role=tablist with [role=tab][aria-controls]; arrows move, panels show.
import { $$, onContent, once } from "./dom.js";

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
