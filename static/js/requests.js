// htmx requests: their key, the quiet busy line, and words for what went wrong. All htmx event names live in this file,
// in drawer.js and dom.js.
import { newKey, text } from "./dom.js";
import { keyFor } from "./forms.js";
import { toast } from "./toasts.js";

const line = document.getElementById("busy-line");
let running = 0;
const count = (step) => {
  running = Math.max(0, running + step);
  line?.classList.toggle("is-busy", running > 0);
};
document.addEventListener("htmx:beforeRequest", () => count(1));
document.addEventListener("htmx:afterRequest", () => count(-1));

document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.verb === "get") {
    if (!event.detail.triggeringEvent?.isTrusted) event.detail.headers["X-By-Itself"] = "1"; // nobody clicked
    return;
  }
  const form = event.detail.elt;
  event.detail.headers["Idempotency-Key"] = form instanceof HTMLFormElement ? keyFor(form) : newKey();
});

document.addEventListener("htmx:responseError", (event) => {
  const { status } = event.detail.xhr;
  if (status === 401) { toast(text("signedOut"), { level: "error" }); return; }
  toast(status === 403 ? text("forbidden") : text("failed"), { level: "error" });
});
for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, () => toast(text("offline"), { level: "error" }));
}
