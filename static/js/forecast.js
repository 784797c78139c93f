// The forecast home: lives with the deals, keeps open branches in the address, remembers folds, saves a picture.
import { $, $$, announce, onContent, once, post, text } from "./dom.js";

const board = $("#board");
const GAP = 1000; // at most one refresh a second

// Live: fetch the board again and change only the cells that differ. ------------------------------------------
let last = 0;
let timer = 0;
let running = false;

function concerns(detail) {
  if (board.hasAttribute("data-historic")) return false;
  const people = (board.dataset.people ?? "").split(",").filter(Boolean);
  const owners = detail?.owners ?? detail?.owner_ids ?? (detail?.owner_id ? [detail.owner_id] : []);
  if (!people.length || !owners.length) return true;
  return owners.some((owner) => people.includes(String(owner)));
}

function schedule() {
  if (timer) return;
  timer = setTimeout(() => { timer = 0; refresh(); }, Math.max(0, last + GAP - Date.now()));
}

async function refresh() {
  if (running) { schedule(); return; }
  running = true;
  last = Date.now();
  try {
    const url = new URL(board.dataset.boardUrl, location.origin);
    url.search = location.search;
    const open = loaded().join(",");
    url.searchParams.set("open", open || "-");
    const response = await fetch(url, { credentials: "same-origin", headers: { "HX-Request": "true", "X-By-Itself": "1" } });
    const html = response.ok ? await response.text() : "";
    const opening = $("tr[aria-busy=true]", board) || loaded().join(",") !== open;
    if (html && opening) schedule(); // a branch opened meanwhile: this answer does not have its rows
    else if (html) patch(html);
  } catch { /* the next change tries again */ } finally { running = false; }
}

function patch(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  const rows = (root) => $$("tr[data-node]", root).map((row) => row.dataset.node).join(" ");
  const body = $("[data-live-rows]", board);
  const newBody = $("[data-live-rows]", fresh);
  if (!body || !newBody || $$("thead th", board).length !== $$("thead th", fresh).length) { replace(board, [...fresh.body.childNodes]); return; }
  const [shownAt, freshAt] = [board, fresh].map((root) => $("[data-board-png]", root));
  if (shownAt && freshAt) shownAt.dataset.instant = freshAt.dataset.instant;
  if (rows(board) !== rows(fresh)) replaceRows(body, newBody);
  let changed = 0;
  for (const node of $$("[data-live]", fresh)) {
    const old = $(`[data-live="${CSS.escape(node.dataset.live)}"]`, board);
    if (!old || old.innerHTML === node.innerHTML) continue;
    const differs = old.textContent !== node.textContent;
    const focused = old.contains(document.activeElement);
    old.innerHTML = node.innerHTML;
    if (focused) $("a", old)?.focus({ preventScroll: true });
    if (differs) { changed += 1; flash(old); }
  }
  if (changed) announce($("[data-live=answer]", board)?.textContent.trim() ?? "");
  if (changed) ["changes", "pacing"].forEach(refreshFold);
  const dot = $("[data-live=freshness] time");
  if (dot) { dot.dateTime = new Date().toISOString(); dot.textContent = text("justNow"); }
}

function refreshFold(name) {
  const fold = $(`details[data-fold="${name}"][open]`);
  if (!fold) return;
  if ($("details[data-menu][open]", fold)) setTimeout(refreshFold, 800, name); // not while somebody chooses in it
  else window.htmx?.trigger(`#${name}`, "refresh");
}

function flash(node) {
  node.classList.remove("just-changed");
  requestAnimationFrame(() => node.classList.add("just-changed"));
  setTimeout(() => node.classList.remove("just-changed"), 1700);
}

function replaceRows(body, fresh) {
  const at = document.activeElement?.closest?.("tr[data-node]")?.dataset.node;
  const hidden = new Set($$("tr[hidden]", body).map((row) => row.dataset.node));
  const shut = new Set($$("tr[aria-expanded=false]", body).map((row) => row.dataset.node));
  body.replaceChildren(...fresh.childNodes);
  for (const row of $$("tr[data-node]", body)) {
    row.hidden = hidden.has(row.dataset.node);
    if (shut.has(row.dataset.node)) row.setAttribute("aria-expanded", "false");
  }
  const row = at && $(`tr[data-node="${CSS.escape(at)}"]`, body);
  if (row) { row.tabIndex = 0; row.focus({ preventScroll: true }); }
}

function replace(host, nodes) {
  host.replaceChildren(...nodes.map((node) => document.importNode(node, true)));
  window.htmx?.process(host);
  host.dispatchEvent(new CustomEvent("salesops:content", { bubbles: true }));
}

document.body.addEventListener("salesops:changed", (event) => { if (board && concerns(event.detail)) schedule(); });

// Open branches are part of the address. ------------------------------------------------------------------------
const loaded = () => [...new Set($$("tr[data-parent]", board).map((row) => row.dataset.parent))].filter((key) => /^\d+$/.test(key));
const expanded = () => $$("tr[aria-expanded=true]", board).map((row) => row.dataset.node).filter((key) => /^\d+$/.test(key));

function rememberOpen() {
  const url = new URL(location.href);
  url.searchParams.set("open", expanded().join(",") || "-");
  history.replaceState(history.state, "", url);
}

if (board) {
  new MutationObserver((records) => {
    if (records.some((record) => record.target.matches?.("tr[data-node]"))) rememberOpen();
  }).observe(board, { subtree: true, attributes: true, attributeFilter: ["aria-expanded"] });
}

// Folds ----------------------------------------------------------------------------------------------------------
document.addEventListener("toggle", (event) => {
  const fold = event.target;
  if (!(fold instanceof HTMLDetailsElement) || !fold.dataset.fold) return;
  if (fold.open) {
    window.htmx?.trigger(`#${fold.dataset.fold}`, "shown");
    window.dispatchEvent(new Event("resize"));
  }
  if (fold.dataset.foldReady) post("/forecast/fold", { section: fold.dataset.fold, folded: fold.open ? "0" : "1" });
}, true);
onContent((root) => once(root, "details[data-fold]", "foldSeen", (fold) => setTimeout(() => { fold.dataset.foldReady = "1"; }, 200)));

// On a phone a row is a card of the deciding figures; one switch shows all of them.
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-board-all]");
  if (!button) return;
  const all = board.toggleAttribute("data-all");
  button.setAttribute("aria-pressed", String(all));
});

// A file chosen from a menu closes the menu: the page stays.
document.addEventListener("click", (event) => {
  event.target.closest?.("a[download].menu__item")?.closest("details")?.removeAttribute("open");
});

// Picture of what is on screen: the board drawn into an SVG, the SVG into a canvas; nothing leaves the browser. ------
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-board-png]");
  if (!button) return;
  button.closest("details")?.removeAttribute("open");
  picture(button.dataset.boardPng, button.dataset.instant).catch(() => announce(text("failed")));
});

async function picture(name, instant) {
  const sheets = await Promise.all($$("link[rel=stylesheet]").map((link) => fetch(link.href).then((answer) => answer.text())));
  const table = $("table", board);
  const width = Math.max(board.scrollWidth, (table?.scrollWidth ?? 0) + 2);
  const copy = board.cloneNode(true);
  for (const part of $$(".page__actions, .board__bar .row, .board__bar nav, .board__all, .define, .tree-toggle, .col-split, [hidden]", copy)) part.remove();
  for (const box of $$(".table-scroll, .table-box", copy)) { Object.assign(box.style, { maxBlockSize: "none", overflow: "visible" }); }
  const head = document.createElement("p");
  head.className = "muted small";
  head.textContent = [...$$(".topbar__scope, .topbar__period summary").map((node) => node.textContent.trim().replace(/\s+/g, " ")), instant].join(" · ");
  copy.prepend(head);
  const holder = document.createElement("div");
  // property by property: the content policy refuses style attributes
  Object.assign(holder.style, { padding: "24px", inlineSize: `${width}px`, background: "var(--surface)", color: "var(--ink)", font: "14px/1.43 var(--font)" });
  holder.append(copy);
  document.body.append(holder);
  const height = Math.ceil(holder.getBoundingClientRect().height) + 8;
  holder.remove();
  const markup = new XMLSerializer().serializeToString(holder);
  const theme = getComputedStyle(document.documentElement).colorScheme.includes("dark") && matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : document.documentElement.dataset.theme;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width + 48}" height="${height}" data-theme="${theme === "auto" ? "light" : theme}"><style>${sheets.join("\n").replace(/&/g, "&amp;").replace(/</g, "&lt;")}</style><foreignObject width="100%" height="100%"><body xmlns="http://www.w3.org/1999/xhtml">${markup}</body></foreignObject></svg>`;
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = (width + 48) * 2;
  canvas.height = height * 2;
  const pen = canvas.getContext("2d");
  pen.fillStyle = getComputedStyle(document.body).backgroundColor;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.scale(2, 2);
  pen.drawImage(image, 0, 0);
  const link = document.createElement("a");
  link.href = canvas.toDataURL("image/png");
  link.download = `${name}.png`;
  document.body.append(link);
  link.click();
  link.remove();
}
