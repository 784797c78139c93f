// Toasts, with undo: its button for ten seconds, Z also later. Triggered by `salesops:toast` events: {message, undo, level}.
import { $, $$, announce, el, fireTriggers, post, text } from "./dom.js";
import { own } from "./turns.js";

const host = document.getElementById("toasts");
const SECONDS = Number(host?.dataset.undoSeconds ?? 10);
let latestUndo = null;

export function toast(message, { undo = "", level = "info", action = null } = {}) {
  if (!host) return null;
  const node = el("div", { class: `toast toast--${level === "error" ? "against" : level}` },
    el("span", { class: "toast__text" }, message));
  const close = () => {
    clearTimeout(timer);
    node.remove();
  };
  if (undo) {
    const run = () => {
      if (latestUndo === run) latestUndo = null;
      close();
      undoAt(undo);
    };
    node.append(el("button", { class: "toast__btn", type: "button", onclick: run },
      text("undo"), el("kbd", { class: "kbd", "aria-hidden": "true" }, "Z")));
    latestUndo = run;
  } else if (action) {
    node.append(el("button", { class: "toast__btn", type: "button", onclick: () => { close(); action.run(); } }, action.label));
  }
  node.append(el("button", { class: "toast__close", type: "button", "aria-label": text("dismiss"), onclick: close }, "✕"));
  let timer = 0;
  const start = () => { timer = setTimeout(close, (undo || level === "error" ? SECONDS : 5) * 1000); };
  node.addEventListener("pointerenter", () => clearTimeout(timer));
  node.addEventListener("pointerleave", start);
  node.addEventListener("focusin", () => clearTimeout(timer));
  node.addEventListener("focusout", start);
  host.append(node);
  while (host.querySelectorAll(".toast").length > 3) $(".toast", host).remove();
  announce(undo ? `${message} ${text("undo")}: Z` : message);
  start();
  return node;
}

export async function undoAt(url) {
  try {
    const response = await post(url, {}, { "HX-Request": "true" });
    fireTriggers(response);
    const answer = await response.json().catch(() => ({}));
    for (const [address, version] of answer.versions ?? []) own(address, version - 1, version);
    if (!response.ok) {
      toast(answer.message ?? text("undoFailed"), { level: "error" });
      return;
    }
    if (!response.headers.get("HX-Trigger")?.includes("salesops:toast")) toast(text("undone"));
    document.body.dispatchEvent(new CustomEvent("salesops:changed", { bubbles: true, detail: { undone: true } }));
  } catch {
    toast(text("undoFailed"), { level: "error" });
  }
}

/** Undo the last change made on this page, whether its toast still stands or not; says so when there is none. */
export function undoLatest() {
  if (latestUndo) latestUndo(); else toast(text("nothingToUndo"));
  return true;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-undo]");
  if (button) undoAt(button.dataset.undo);
});

document.addEventListener("salesops:toast", (event) => {
  const { message, undo, level } = event.detail ?? {};
  if (message) toast(message, { undo, level });
});

for (const template of $$("template.toast-message")) {
  const { level, undo = "" } = template.dataset;
  toast(template.content.textContent.trim(), { level: level === "error" ? "error" : "info", undo });
  template.remove();
}
