// The quota grid: arrows move, typing or Enter edits, Tab and Enter commit and move on, a block pasted from a
// spreadsheet fills from the focused cell. What is typed is checked at once: bad cells say why, sums follow; nothing is
// kept until Save, which is one request for all cells.
import { $, $$, announce, dateLang, el, fireTriggers, onContent, once, post, text } from "./dom.js";
import { toast } from "./toasts.js";

const CHECK_AFTER = 200;
const cellsOf = (row) => $$("td[data-cell]", row);
const rowsOf = (grid) => $$("tbody tr", grid).filter((row) => !row.hidden && cellsOf(row).length);

class Grid {
  constructor(box) {
    this.box = box;
    this.table = $("table", box);
    this.before = new Map();
    this.acts = []; // not saved yet: for each act its cells with what they held before (null: what is saved)
    this.checks = 0;
    this.bar = $("[data-grid-bar]", box);
    this.words = JSON.parse($("#quota-grid-words", box).textContent);
    this.table.addEventListener("keydown", (event) => this.onKey(event));
    this.table.addEventListener("focusin", (event) => this.onFocus(event));
    this.table.addEventListener("dblclick", (event) => this.edit(event.target.closest("td[data-cell]")));
    this.table.addEventListener("paste", (event) => this.onPaste(event));
    this.table.addEventListener("copy", (event) => this.onCopy(event));
    $("[data-grid-save]", box)?.addEventListener("click", () => this.save());
    $("[data-grid-discard]", box)?.addEventListener("click", () => this.discard());
    const first = $("td[data-cell]", this.table);
    if (first) first.tabIndex = 0;
    this.leave = (event) => { if (this.changed().length) event.preventDefault(); };
    window.addEventListener("beforeunload", this.leave);
  }

  /** A count in words: of each text the form for one and the form for more. */
  counted(key, n) { return this.words[key][n === 1 ? 0 : 1].replace("%(n)s", n.toLocaleString(dateLang)); }

  changed() { return $$("td[data-cell][data-changed]", this.table); }

  onFocus(event) {
    const cell = event.target.closest("td[data-cell]");
    if (!cell || event.target !== cell) return;
    for (const other of $$("td[data-cell][tabindex='0']", this.table)) other.tabIndex = -1;
    cell.tabIndex = 0;
    const link = $("[data-grid-history]", this.box);
    if (link) {
      link.hidden = false;
      link.href = `${link.dataset.gridHistory}${cell.dataset.cell.replace(":", "/")}`;
      $("[data-grid-where]", this.box).textContent = cell.getAttribute("aria-label").split(":")[0];
    }
  }

  step(cell, down, across) {
    const rows = rowsOf(this.table);
    const row = cell.closest("tr");
    const target = rows[Math.min(Math.max(rows.indexOf(row) + down, 0), rows.length - 1)];
    const list = cellsOf(target);
    const at = cellsOf(row).indexOf(cell) + across;
    const next = list[Math.min(Math.max(at, 0), list.length - 1)];
    next?.focus();
    next?.scrollIntoView({ block: "nearest", inline: "nearest" });
    return next;
  }

  onKey(event) {
    const cell = event.target.closest("td[data-cell]");
    if (!cell || event.target !== cell || event.ctrlKey || event.metaKey || event.altKey) {
      if (!cell || !(event.ctrlKey || event.metaKey)) return;
      if (event.key === "s") { event.preventDefault(); this.save(); }
      if (event.key === "z" && event.target === cell && this.acts.length) { event.preventDefault(); this.undo(); }
      return;
    }
    const moves = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1], Home: [0, -99], End: [0, 99] };
    if (moves[event.key]) this.step(cell, ...moves[event.key]);
    else if (event.key === "Enter" || event.key === "F2") this.edit(cell);
    else if (event.key === "Delete" || event.key === "Backspace") this.act(() => this.put(cell, ""));
    else if (event.key === "Escape" && "changed" in cell.dataset) this.restore(cell);
    else if (/^[^\s?]$/u.test(event.key)) this.edit(cell, event.key); // as in a spreadsheet: letters are no shortcuts here
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  edit(cell, begin = null) {
    if (!cell || $("input", cell)) return;
    const field = el("input", { class: "edit-field", inputmode: "decimal", autocomplete: "off", "aria-label": cell.getAttribute("aria-label") });
    field.value = begin ?? this.valueOf(cell);
    const shown = [...cell.childNodes];
    let open = true;
    const close = (keep) => {
      if (!open) return;
      open = false;
      const value = field.value.trim();
      cell.replaceChildren(...shown);
      if (keep) this.act(() => this.put(cell, value));
    };
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      const go = { Enter: [event.shiftKey ? -1 : 1, 0], Tab: [0, event.shiftKey ? -1 : 1] }[event.key];
      if (go) { event.preventDefault(); close(true); this.step(cell, ...go); }
      else if (event.key === "Escape") { event.preventDefault(); close(false); cell.focus(); }
    });
    field.addEventListener("blur", () => close(true));
    cell.replaceChildren(field);
    field.focus();
    if (begin === null) field.select();
  }

  valueOf(cell) { return cell.dataset.changed ?? cell.dataset.value; }

  /** What one key, field or paste changes is undone together. */
  act(change) {
    this.noted = [];
    change();
    if (this.noted.length) this.acts.push(this.noted);
    this.noted = null;
  }

  undo() {
    for (const [cell, held] of this.acts.pop().reverse()) {
      if (held === null) this.restore(cell);
      else this.put(cell, held);
    }
  }

  put(cell, value) {
    if (value !== this.valueOf(cell)) this.noted?.push([cell, cell.dataset.changed ?? null]);
    if (!("shown" in cell.dataset)) cell.dataset.shown = cell.innerHTML;
    this.unflag(cell);
    if (value === cell.dataset.value) this.restore(cell);
    else {
      cell.dataset.changed = value;
      cell.replaceChildren(value === "" ? "–" : value);
      cell.classList.add("changed");
    }
    this.count();
  }

  restore(cell) {
    if ("shown" in cell.dataset) cell.innerHTML = cell.dataset.shown;
    delete cell.dataset.changed;
    cell.classList.remove("changed");
    this.unflag(cell);
    this.count();
  }

  discard() {
    this.acts = [];
    for (const cell of this.changed()) this.restore(cell);
  }

  count() {
    const count = this.changed().length;
    this.bar.hidden = count === 0;
    $("[data-grid-count]", this.bar).textContent = this.counted("unsaved", count);
    clearTimeout(this.soon);
    this.checks += 1;
    this.soon = setTimeout(() => this.check(), CHECK_AFTER);
  }

  asked(changed) {
    const cells = changed.map((cell) => {
      const [person, period] = cell.dataset.cell.split(":");
      return { person, period, value: cell.dataset.changed, currency: cell.dataset.currency, seen: cell.dataset.seen };
    });
    return [JSON.stringify({ cells }), { "Content-Type": "application/json" }];
  }

  // Only the answer to the latest question counts; without an answer Save still tells everything.
  async check() {
    const question = this.checks;
    const changed = this.changed();
    let answer = { faults: {}, lines: "" };
    if (changed.length) {
      try {
        const response = await post(this.box.dataset.check, ...this.asked(changed));
        if (!response.ok) return;
        answer = await response.json();
      } catch { return; }
    }
    if (question !== this.checks) return;
    this.follow(answer.lines);
    for (const cell of changed) {
      if (cell.dataset.cell in answer.faults) this.flag(cell.dataset.cell, answer.faults[cell.dataset.cell]);
      else this.unflag(cell);
    }
    const bad = Object.keys(answer.faults).length;
    if (bad) announce(this.counted("bad", bad));
  }

  /** Show the sums of the lines sent, after putting back what an earlier answer replaced; typed cells show how they were read. */
  follow(lines) {
    for (const [node, shown] of this.before) {
      if ("changed" in node.dataset) node.dataset.shown = shown;
      else node.innerHTML = shown;
    }
    this.before.clear();
    const sent = new DOMParser().parseFromString(`<table><tbody>${lines}</tbody></table>`, "text/html");
    for (const line of $$("tr", sent)) {
      const own = line.dataset.node ? $(`tr[data-node="${CSS.escape(line.dataset.node)}"]`, this.table) : $("tr[data-sums]", this.table);
      const here = own ? $$("td", own) : [];
      $$("td", line).forEach((cell, at) => {
        const node = here[at];
        if (!node || $("input", node)) return;
        if (!("changed" in node.dataset)) this.before.set(node, node.innerHTML);
        else if (node.dataset.changed === "" || !cell.innerHTML) return;
        node.innerHTML = cell.innerHTML;
      });
    }
  }

  onPaste(event) {
    const start = event.target.closest?.("td[data-cell]");
    if (!start || event.target !== start) return;
    event.preventDefault();
    const block = event.clipboardData.getData("text/plain").replace(/\r/g, "").replace(/\n$/, "").split("\n").map((line) => line.split("\t"));
    const rows = rowsOf(this.table);
    const top = rows.indexOf(start.closest("tr"));
    const left = cellsOf(rows[top]).indexOf(start);
    let filled = 0;
    this.act(() => block.forEach((line, down) => line.forEach((value, across) => {
      const cell = rows[top + down] && cellsOf(rows[top + down])[left + across];
      if (cell && value.trim() !== "") { this.put(cell, value.trim()); filled += 1; }
    })));
    const lost = block.flat().filter((value) => value.trim() !== "").length - filled;
    announce(this.counted("pasted", filled));
    if (lost) toast(this.counted("outside", lost), { level: "error" });
  }

  onCopy(event) {
    const cell = event.target.closest?.("td[data-cell]");
    if (!cell || String(getSelection()) !== "") return;
    event.preventDefault();
    event.clipboardData.setData("text/plain", this.valueOf(cell));
  }

  async save() {
    const changed = this.changed();
    if (!changed.length || this.saving) return;
    this.isSaving(true);
    try { await this.send(changed); } finally { this.isSaving(false); }
  }

  isSaving(now) {
    this.saving = now;
    for (const button of $$("[data-grid-save], [data-grid-discard]", this.box)) button.disabled = now;
  }

  async send(changed) {
    let response;
    try {
      response = await post(this.box.dataset.save, ...this.asked(changed));
    } catch { toast(text("offline"), { level: "error" }); return; }
    if (response.ok) {
      this.acts = [];
      for (const cell of changed) delete cell.dataset.changed;
      fireTriggers(response);
      return;
    }
    const answer = await response.json().catch(() => ({}));
    toast(answer.message ?? text(response.status === 401 ? "signedOut" : "failed"), { level: "error" });
    this.mark(answer);
  }

  mark({ faults = {}, conflicts = [] }) {
    for (const [key, why] of Object.entries(faults)) this.flag(key, why);
    for (const { cell, theirs } of conflicts) this.flag(cell, `${this.box.dataset.theirs} ${theirs || "–"}`);
    $("td[aria-invalid=true]", this.table)?.focus();
  }

  flag(key, why) {
    const cell = $(`td[data-cell="${CSS.escape(key)}"]`, this.table);
    if (!cell) return;
    cell.setAttribute("aria-invalid", "true");
    cell.title = why;
    if (!$("input", cell)) cell.replaceChildren(cell.dataset.changed ?? "", el("span", { class: "edit-error" }, why));
  }

  unflag(cell) {
    cell.removeAttribute("aria-invalid");
    cell.removeAttribute("title");
    $(".edit-error", cell)?.remove();
  }
}

onContent((root) => once(root, "[data-quota-grid]", "gridReady", (box) => { box.grid = new Grid(box); }));

// A save or an undo brings fresh sums; the grid is fetched again, unless cells wait for a save.
document.addEventListener("salesops:changed", (event) => {
  const box = document.querySelector("[data-quota-grid]");
  if (!box || !(event.detail?.kind === "quota" || event.detail?.undone)) return;
  if (box.grid?.changed().length) return;
  window.removeEventListener("beforeunload", box.grid?.leave);
  window.htmx.ajax("GET", location.href, { target: "#quota-grid", select: "#quota-grid", swap: "outerHTML" });
});
