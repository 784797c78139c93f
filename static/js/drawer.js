// The right drawer: any link with `data-drawer` opens beside the page (modal sheet on narrow screens).
import { $, announce, text } from "./dom.js";

const drawer = document.getElementById("drawer");
const host = document.getElementById("drawer-host");
const wide = matchMedia("(min-width: 1100px)");
let opener = null;
let behind = []; // the pages one came through inside the drawer, the last one last

const unsaved = () => host.querySelector("form[data-dirty='true']") !== null;

function reveal() {
  if (drawer.open) return;
  if (wide.matches) {
    drawer.show();
    document.body.classList.add("has-drawer");
    window.dispatchEvent(new Event("resize")); // charts become as narrow as their column
  } else {
    drawer.showModal();
  }
}

export function openDrawer(url, from = null) {
  if (!drawer || !window.htmx) { location.href = url; return; }
  if (drawer.open && unsaved() && !confirm(text("unsaved"))) return;
  const begun = from ?? document.activeElement;
  if (drawer.open && host.contains(begun)) {
    behind.push($("#drawer-page").href);
  } else {
    opener = begun;
    behind = [];
  }
  load(url);
}

function load(url) {
  $("#drawer-back").hidden = !behind.length;
  document.querySelectorAll("tr.is-active").forEach((row) => row.classList.remove("is-active"));
  opener?.closest?.("tr")?.classList.add("is-active");
  $("#drawer-page").href = url;
  $("#drawer-title").textContent = text("loading");
  host.replaceChildren(skeleton());
  reveal();
  window.htmx.ajax("GET", url, { source: host, target: "#drawer-host", swap: "innerHTML" });
}

export function closeDrawer({ refocus = true } = {}) {
  if (!drawer?.open) return false;
  if (unsaved() && !confirm(text("unsaved"))) return true;
  drawer.close();
  if (!refocus) opener = null;
  return true;
}

function skeleton() {
  const box = document.createElement("div");
  box.className = "skeleton drawer__section mt-4";
  for (let i = 0; i < 6; i += 1) box.append(document.createElement("span"));
  return box;
}

if (drawer) {
  $("#drawer-back").addEventListener("click", () => {
    if (!unsaved() || confirm(text("unsaved"))) load(behind.pop());
  });
  drawer.addEventListener("close", () => {
    behind = [];
    document.body.classList.remove("has-drawer");
    document.querySelectorAll("tr.is-active").forEach((row) => row.classList.remove("is-active"));
    host.replaceChildren();
    if (opener?.isConnected) opener.focus({ preventScroll: true });
    window.dispatchEvent(new Event("resize"));
  });
  drawer.addEventListener("click", (event) => { if (event.target === drawer && drawer.matches(":modal")) closeDrawer(); });
  drawer.addEventListener("cancel", (event) => { if (unsaved() && !confirm(text("unsaved"))) event.preventDefault(); });
  wide.addEventListener("change", () => {
    if (!drawer.open) return;
    const keep = opener;
    const nodes = [...host.childNodes];
    drawer.close();
    opener = keep;
    setTimeout(() => { host.replaceChildren(...nodes); reveal(); }, 0);
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target !== host) return;
    const title = host.querySelector("[data-drawer-title]")?.dataset.drawerTitle?.trim();
    if (title) $("#drawer-title").textContent = title;
    host.scrollTop = 0;
    host.focus({ preventScroll: true });
    announce(`${text("loaded")}: ${title ?? ""}`);
  });
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.target === host) drawer.close();
  });
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-drawer]");
  if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  openDrawer(link.href, link);
});
document.addEventListener("salesops:close-drawer", () => closeDrawer());
