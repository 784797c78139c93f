// Command palette: Ctrl/Cmd-K. Asks /palette?q= and shows groups; arrows choose, Enter opens.
import { el, text } from "./dom.js";
import { openDrawer } from "./drawer.js";

const dialog = document.getElementById("palette");
const input = document.getElementById("palette-input");
const box = document.getElementById("palette-list");
let options = [];
let chosen = 0;
let asked = 0;
let timer = 0;

function draw(items) {
  options = items;
  chosen = 0;
  box.replaceChildren();
  if (!items.length) {
    box.append(el("p", { class: "palette__empty" }, text("noResults")));
    return;
  }
  let group = null;
  let holder = null;
  items.forEach((item, index) => {
    if (item.group !== group) {
      group = item.group;
      holder = el("div", { role: "group", "aria-label": group });
      holder.append(el("div", { class: "palette__group", "aria-hidden": "true" }, group));
      box.append(holder);
    }
    holder.append(el("div", { class: "palette__option", role: "option", id: `palette-${index}`, "aria-selected": String(index === 0),
      onclick: () => run(index), onpointermove: () => choose(index, false) },
      el("span", { class: "truncate" }, item.label), item.hint ? el("span", { class: "palette__hint" }, item.hint) : null));
  });
  choose(0, false);
}

function choose(index, scroll = true) {
  if (!options.length) { input.removeAttribute("aria-activedescendant"); return; }
  document.getElementById(`palette-${chosen}`)?.setAttribute("aria-selected", "false");
  chosen = (index + options.length) % options.length;
  const node = document.getElementById(`palette-${chosen}`);
  node?.setAttribute("aria-selected", "true");
  if (scroll) node?.scrollIntoView({ block: "nearest" });
  input.setAttribute("aria-activedescendant", `palette-${chosen}`);
}

function run(index) {
  const item = options[index];
  if (!item) return;
  dialog.close();
  if (item.event) document.body.dispatchEvent(new CustomEvent(item.event, { bubbles: true, detail: item }));
  else if (item.drawer) openDrawer(item.url);
  else location.href = item.url;
}

async function ask() {
  if (!document.body.dataset.paletteUrl) { draw([]); return; }
  const ticket = (asked += 1);
  const url = new URL(document.body.dataset.paletteUrl, location.origin);
  url.searchParams.set("q", input.value.trim());
  try {
    const response = await fetch(url, { headers: { Accept: "application/json" }, credentials: "same-origin" });
    const answer = await response.json();
    if (ticket === asked) draw(answer.items ?? []);
  } catch {
    if (ticket === asked) draw([]);
  }
}

if (dialog) {
  dialog.addEventListener("salesops:open", () => { input.value = ""; input.focus(); ask(); });
  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, 90); });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || (event.key === "n" && event.ctrlKey)) { event.preventDefault(); choose(chosen + 1); }
    else if (event.key === "ArrowUp" || (event.key === "p" && event.ctrlKey)) { event.preventDefault(); choose(chosen - 1); }
    else if (event.key === "Enter") { event.preventDefault(); run(chosen); }
  });
}
