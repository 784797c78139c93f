// Theme, density, navigation width, single-letter keys: one cookie, read by the server for the first paint. What is
// chosen in the user menu is also kept with the account: the server copies it from the cookie.
import { $$, post } from "./dom.js";

const root = document.documentElement;
const NAMES = ["theme", "density", "nav", "keys"];

export const preference = (name) => root.dataset[name];

export function setPreference(name, value) {
  root.dataset[name] = value;
  const cookie = NAMES.map((key) => `${key}.${root.dataset[key]}`).join("_");
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${root.dataset.cookie}=${cookie}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
  show();
  document.dispatchEvent(new CustomEvent(`salesops:${name}`, { detail: value }));
}

function show() {
  for (const control of $$("[data-pref][data-value]")) {
    control.setAttribute("aria-pressed", String(root.dataset[control.dataset.pref] === control.dataset.value));
  }
  for (const control of $$("[data-pref-toggle]")) {
    const [first] = control.dataset.prefToggle.split(" ");
    control.setAttribute("aria-expanded", String(root.dataset[control.dataset.pref] === first));
  }
}

document.addEventListener("click", (event) => {
  const control = event.target.closest?.("[data-pref]");
  if (!control) return;
  const { pref, value, prefToggle } = control.dataset;
  if (value) {
    setPreference(pref, value);
    const keep = control.closest("[data-keep-url]")?.dataset.keepUrl;
    if (keep) post(keep).catch(() => {}); // offline: this browser has it, the account gets it with the next choice
  } else if (prefToggle) {
    const [first, second] = prefToggle.split(" ");
    setPreference(pref, root.dataset[pref] === first ? second : first);
  }
});
