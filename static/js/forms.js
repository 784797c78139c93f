// Forms: warn before unsaved work is lost, no double submit, drop zones, filters that apply themselves.
import { onSettled } from "./dates.js";
import { $, $$, el, newKey, onContent, once, text } from "./dom.js";

// The same content sent twice (a double click, a reload) bears the same key, so that the server does it once.
const KEY_FIELD = "idempotency_key";
const sentBefore = new WeakMap();
export function keyFor(form, submitter) {
  const plain = (value) => (value instanceof File ? [value.name, value.size, value.lastModified] : value);
  const entries = [...new FormData(form, submitter)].filter(([name]) => name !== KEY_FIELD).map(([name, value]) => [name, plain(value)]);
  const content = JSON.stringify([form.action, entries]);
  const before = sentBefore.get(form);
  const key = before?.content === content ? before.key : newKey();
  sentBefore.set(form, { content, key });
  return key;
}
function bearKey(form, submitter) {
  const value = keyFor(form, submitter);
  const field = $(`input[name=${KEY_FIELD}]`, form);
  if (field) field.value = value;
  else form.append(el("input", { type: "hidden", name: KEY_FIELD, value }));
}

const dirtyForms = () => $$("form[data-guard][data-dirty='true']");

document.addEventListener("input", (event) => {
  const form = event.target.closest?.("form[data-guard]");
  if (form) form.dataset.dirty = "true";
});
document.addEventListener("submit", (event) => {
  const form = event.target;
  form.dataset.dirty = "false";
  if (form.method === "post" && !form.hasAttribute("hx-post") && !event.defaultPrevented) {
    if (form.dataset.sent) { event.preventDefault(); return; }
    bearKey(form, event.submitter);
    form.dataset.sent = "1";
    setTimeout(() => { delete form.dataset.sent; }, 4000);
  }
});
addEventListener("pageshow", () => $$("form[data-sent]").forEach((form) => { delete form.dataset.sent; }));
addEventListener("beforeunload", (event) => {
  if (dirtyForms().length) { event.preventDefault(); event.returnValue = text("unsaved"); }
});

// Controls with data-submit send their form once they are settled (period switch, filters, dates).
onSettled("[data-submit]", (field) => field.form?.requestSubmit());

// Links that act as a select: <select data-navigate> with URLs as values.
document.addEventListener("change", (event) => {
  if (event.target.matches?.("select[data-navigate]") && event.target.value) location.href = event.target.value;
});

function dropZone(zone) {
  const input = $("input[type=file]", zone);
  const list = $(".drop-zone__files", zone);
  for (const name of ["dragenter", "dragover"]) zone.addEventListener(name, () => zone.classList.add("is-over"));
  for (const name of ["dragleave", "drop"]) zone.addEventListener(name, () => zone.classList.remove("is-over"));
  const size = new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit: "kilobyte", maximumFractionDigits: 0 });
  input?.addEventListener("change", () => {
    list?.replaceChildren(...[...input.files].map((file) => el("li", {}, `${file.name} · ${size.format(Math.max(1, file.size / 1024))}`)));
    if (zone.dataset.autoSubmit !== undefined && input.files.length) input.form?.requestSubmit();
  });
}

// First wrong field gets the focus after a refused submit.
onContent((root) => {
  once(root, ".drop-zone", "dropReady", dropZone);
  if (root === document.body) $("[aria-invalid=true]")?.focus();
});

// Show a password while pressed on.
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-reveal]");
  if (!button) return;
  const field = document.getElementById(button.dataset.reveal);
  const shown = field.type === "text";
  field.type = shown ? "password" : "text";
  button.setAttribute("aria-pressed", String(!shown));
});

// Long lists of choices are narrowed while typing; Enter takes the first that is left.
const choicesOf = (field) => $$(".picker__item", field.closest(".picker"));
document.addEventListener("input", (event) => {
  if (!event.target.matches?.("[data-narrow]")) return;
  const wanted = event.target.value.trim().toLowerCase();
  for (const item of choicesOf(event.target)) item.hidden = !item.textContent.toLowerCase().includes(wanted);
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches?.("[data-narrow]")) return;
  event.preventDefault();
  choicesOf(event.target).find((item) => !item.hidden)?.click();
});
