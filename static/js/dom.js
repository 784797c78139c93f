// Small shared pieces: texts, requests, announcements.
const data = document.getElementById("ui-texts");
const texts = data ? JSON.parse(data.textContent) : {};

/** A word or sentence in the viewer's language (salesops/ui/context.py). */
export const text = (key) => texts[key] ?? key;

/** Days before months in English too, as the server writes them. */
export const dateLang = (document.documentElement.lang || "en") === "en" ? "en-GB" : document.documentElement.lang;

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

/** Element with properties, attributes (`attr-name`) and children; text is never parsed as HTML. */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "class") node.className = value;
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Say something politely to assistive technology. */
export function announce(message) {
  const live = document.getElementById("live");
  if (!live) return;
  live.textContent = "";
  setTimeout(() => { live.textContent = message; }, 40);
}

export const csrf = () => document.body.dataset.csrf ?? "";

/** A key by which the server knows a request that is sent again. */
export const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** POST fields (or a body as it is) to our own server. When the answer is lost it is asked for once more: the key makes it done once. */
export async function post(url, fields = {}, headers = {}) {
  const request = {
    method: "POST",
    credentials: "same-origin",
    headers: { "X-CSRFToken": csrf(), Accept: "application/json", "Idempotency-Key": newKey(), ...headers },
    body: typeof fields === "string" ? fields : new URLSearchParams(fields),
  };
  try {
    return await fetch(url, request);
  } catch (lost) {
    if (!navigator.onLine) throw lost;
    await new Promise((wait) => { setTimeout(wait, AGAIN); });
    return fetch(url, request);
  }
}
const AGAIN = 700;

/** Events a server may ask for with the HX-Trigger header, also after our own fetches. */
export function fireTriggers(response) {
  const raw = response.headers.get("HX-Trigger");
  if (!raw) return;
  let events;
  try { events = JSON.parse(raw); } catch { events = { [raw]: {} }; }
  for (const [name, detail] of Object.entries(events)) {
    document.body.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
  }
}

export const isTyping = (target) =>
  target instanceof Element && (target.closest("input:not([type=checkbox],[type=radio]), textarea, select, [contenteditable]") !== null);

/** Run for content already there and for whatever htmx brings later. */
export function onContent(run) {
  run(document.body);
  document.addEventListener("htmx:load", (event) => run(event.detail.elt ?? event.target));
  document.addEventListener("salesops:content", (event) => run(event.target));
}

/** Each element once. */
export function once(root, selector, key, run) {
  const nodes = root instanceof Element && root.matches(selector) ? [root] : [];
  for (const node of [...nodes, ...(root.querySelectorAll?.(selector) ?? [])]) {
    if (node.dataset[key]) continue;
    node.dataset[key] = "1";
    run(node);
  }
}
