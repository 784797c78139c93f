// Live updates: one EventSource, only while the tab is visible; polling every 15 s when it drops.
//
// Stream: `event: changed`, `id: CURSOR`, `data: {"kind": …, …}`. Poll: GET ?since=CURSOR -> {cursor, events: [...]}.
// Every change is dispatched on <body> as `salesops:changed`: parts listen with hx-trigger="salesops:changed from:body".
// A part that must not move under the cursor is `[data-refresh-chip]`: its button appears instead.
import { $$, onContent, once, text } from "./dom.js";

const { eventsUrl, pollUrl, renderedAt } = document.body.dataset;
let source = null;
let poller = 0;
let cursor = renderedAt ?? ""; // what happened while the page was on its way is told first
let failures = 0;
let signedOut = false;

function dispatch(detail) {
  document.body.dispatchEvent(new CustomEvent("salesops:changed", { bubbles: true, detail }));
}

function connect() {
  if (!eventsUrl || source || document.hidden || signedOut) return;
  const url = new URL(eventsUrl, location.origin);
  if (cursor) url.searchParams.set("since", cursor);
  source = new EventSource(url, { withCredentials: true });
  source.addEventListener("open", () => { failures = 0; stopPolling(); state("live"); });
  source.addEventListener("changed", (event) => {
    cursor = event.lastEventId || cursor;
    dispatch(JSON.parse(event.data || "{}"));
  });
  source.addEventListener("error", () => {
    failures += 1;
    if (source?.readyState === EventSource.CLOSED || failures > 2) {
      disconnect();
      startPolling();
      setTimeout(connect, Math.min(60000, 5000 * failures));
    }
  });
}

function disconnect() {
  source?.close();
  source = null;
}

function startPolling() {
  if (!pollUrl || poller || document.hidden || signedOut) return;
  state("polling");
  poller = setInterval(poll, 15000);
  poll();
}
function stopPolling() { clearInterval(poller); poller = 0; }

async function poll() {
  const url = new URL(pollUrl, location.origin);
  if (cursor) url.searchParams.set("since", cursor);
  try {
    const response = await fetch(url, { credentials: "same-origin", headers: { Accept: "application/json", "X-By-Itself": "1" } });
    if (response.status === 401 || response.status === 403) { signedOut = true; stopPolling(); return; }
    if (!response.ok) return;
    const answer = await response.json();
    cursor = answer.cursor ?? cursor;
    for (const detail of answer.events ?? []) dispatch(detail);
  } catch { state("offline"); }
}

function state(name) { document.documentElement.dataset.live = name; }

document.addEventListener("visibilitychange", () => {
  if (document.hidden) { disconnect(); stopPolling(); } else { connect(); }
});
addEventListener("pagehide", () => { disconnect(); stopPolling(); });
connect();

// Refresh chip: <div data-refresh-chip data-kinds="deal import"><button class="btn btn--small refresh-chip" hidden>…</button></div>
onContent((root) => once(root, "[data-refresh-chip]", "chipReady", (box) => {
  const button = box.querySelector("button");
  if (!button) return;
  if (!button.textContent.trim()) button.textContent = text("refresh");
  button.addEventListener("click", () => {
    button.hidden = true;
    const target = box.dataset.refreshTarget;
    if (target) window.htmx?.trigger(target, "refresh"); else location.reload();
  });
}));
document.body.addEventListener("salesops:changed", (event) => {
  if (event.detail?.undone) return;
  for (const box of $$("[data-refresh-chip]")) {
    const kinds = (box.dataset.kinds ?? "").split(" ").filter(Boolean);
    if (!kinds.length || kinds.includes(event.detail?.kind)) box.querySelector("button").hidden = false;
  }
});
