// <inline-edit>: change one field in place. Optimistic; the server confirms; a conflict shows both values.
//
// data-url, data-field, data-version, data-value, data-type (text, number, money, date, select), data-options (JSON
// [[value, label], …]), data-label. POST field, value, version. Answers: 200 {value, display, version}, 409 {value,
// display, version, by, message}, 4xx {message}. An HX-Trigger header (toast with undo) is honoured.
//
// `salesops:before-save` {field, value, options} may be given a promise as `detail.wait`: the change waits for its yes.
import { decideConflict } from "./decisions.js";
import { announce, dateLang, el, fireTriggers, post, text } from "./dom.js";
import { toast } from "./toasts.js";
import { inTurn, latest, own } from "./turns.js";

class InlineEdit extends HTMLElement {
  connectedCallback() {
    if (this.dataset.ready) return;
    this.dataset.ready = "1";
    if (this.getAttribute("aria-disabled") === "true") return;
    this.tabIndex = 0;
    this.setAttribute("role", "button");
    if (this.dataset.label && !this.hasAttribute("aria-label")) this.label();
    this.addEventListener("click", () => this.startEdit());
    this.addEventListener("keydown", (event) => {
      if (event.target === this && (event.key === "Enter" || event.key === "F2" || event.key === " ")) {
        event.preventDefault();
        event.stopPropagation();
        this.startEdit();
      }
    });
  }

  label() { this.setAttribute("aria-label", `${this.dataset.label}: ${this.textContent.trim()}`); }

  startEdit() {
    if (this.field || this.getAttribute("aria-busy") === "true" || this.getAttribute("aria-disabled") === "true") return;
    this.before = [...this.childNodes].map((node) => node.cloneNode(true));
    this.field = this.buildField();
    this.removeAttribute("role");
    this.replaceChildren(this.field);
    this.field.focus();
    this.field.select?.();
    // A calendar, once open, takes the keys: a date is typed, or chosen from the calendar the field offers.
    try { if (this.field instanceof HTMLSelectElement) this.field.showPicker?.(); } catch { /* needs a gesture */ }
    this.field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Escape") { event.preventDefault(); this.slip = null; this.restore(); this.focus(); }
      if (event.key === "Enter") { event.preventDefault(); this.commit(); }
    });
    this.field.addEventListener("blur", () => {
      if (!this.field) return;
      if (this.field.value === this.slip?.value) this.restore(); // kept for when the cell is opened again
      else this.commit({ refocus: false });
    });
    if (this.field instanceof HTMLSelectElement) this.field.addEventListener("change", () => this.commit());
  }

  buildField() {
    const { type = "text", value = "", label = "" } = this.dataset;
    const common = { class: "edit-field", "aria-label": label };
    if (type === "select") {
      const select = el("select", common);
      for (const [code, name] of this.options()) {
        const option = el("option", { value: code }, name);
        option.selected = String(code) === value;
        select.append(option);
      }
      return select;
    }
    const numeric = type === "number" || type === "money";
    const field = el("input", { ...common, type: type === "date" ? "date" : "text", inputmode: numeric ? "decimal" : null, autocomplete: "off" });
    field.value = this.slip?.value ?? value;
    if (this.slip) { field.title = this.slip.message; field.setAttribute("aria-invalid", "true"); }
    return field;
  }

  optimisticText(value) {
    if (this.field instanceof HTMLSelectElement) return this.field.selectedOptions[0]?.textContent ?? value;
    if (this.dataset.type === "date" && value) {
      return new Intl.DateTimeFormat(dateLang, { dateStyle: "medium", timeZone: "UTC" }).format(new Date(`${value}T00:00:00Z`));
    }
    return value || "–";
  }

  finish() {
    this.field = null;
    this.setAttribute("role", "button");
    if (this.dataset.label) this.label();
  }

  restore(nodes = this.before) {
    this.field = null;
    this.replaceChildren(...nodes);
    this.finish();
  }

  async commit({ refocus = true } = {}) {
    const value = this.field.value;
    if (this.field.validity.badInput) { // a date half typed is no empty one
      if (refocus) this.field.reportValidity(); else this.restore();
      return;
    }
    if (value === (this.dataset.value ?? "")) { this.slip = null; this.restore(); if (refocus) this.focus(); return; }
    const shown = this.optimisticText(value);
    const before = this.before;
    this.field = this.slip = null;
    this.replaceChildren(shown);
    this.finish();
    if (refocus) this.focus();
    const detail = { field: this.dataset.field, value, options: this.options(), wait: null };
    this.dispatchEvent(new CustomEvent("salesops:before-save", { bubbles: true, detail }));
    if (detail.wait && !(await detail.wait)) { this.restore(before); return; }
    await this.save(value, before);
  }

  options() { return JSON.parse(this.dataset.options || "[]"); }

  save(value, before, version = this.dataset.version ?? "") {
    this.setAttribute("aria-busy", "true");
    return inTurn(this.dataset.url, () => this.send(value, before, version));
  }

  async send(value, before, seen) {
    try {
      const version = latest(this.dataset.url, seen);
      const response = await post(this.dataset.url, { field: this.dataset.field ?? "", value, version }, { "HX-Request": "true" });
      const answer = await response.json().catch(() => ({}));
      if (response.ok) { own(this.dataset.url, version, answer.version); this.confirmed(answer, value, response); }
      else if (response.status === 409) this.conflict(answer, value, before);
      else this.refused(answer.message ?? (response.status === 403 ? text("forbidden") : text("refused")), before, value);
    } catch {
      this.refused(text("saveFailed"), before);
    } finally {
      this.removeAttribute("aria-busy");
    }
  }

  confirmed(answer, value, response) {
    this.dataset.value = answer.value ?? value;
    if (answer.version !== undefined) this.shareVersion(answer.version);
    if (answer.display !== undefined) this.replaceChildren(answer.display);
    if (answer.html !== undefined) this.innerHTML = answer.html;
    this.finish();
    this.closest("td, th")?.classList.add("just-changed");
    announce(text("saved"));
    fireTriggers(response);
    this.dispatchEvent(new CustomEvent("salesops:saved", { bubbles: true, detail: { field: this.dataset.field, ...answer } }));
  }

  // Other cells of the same row edit the same object: they must know its new version.
  shareVersion(version) {
    const old = this.dataset.url;
    this.dataset.version = version;
    for (const other of this.closest("[data-row], form, dl, section")?.querySelectorAll("inline-edit") ?? []) {
      if (other.dataset.url === old) other.dataset.version = version;
    }
  }

  // What was typed and not taken is not lost: the field opens with it again, now or when somebody comes back to it.
  refused(message, before, typed) {
    this.restore(before);
    toast(message, { level: "error" });
    if (typed === undefined || this.dataset.type === "select") return;
    this.slip = { value: typed, message };
    this.removeAttribute("aria-busy");
    if (document.activeElement === this) this.startEdit();
  }

  async conflict(answer, mine, before) {
    this.restore(before);
    const label = this.options().find(([code]) => String(code) === mine)?.[1] ?? mine;
    const choice = await decideConflict(answer, label);
    this.shareVersion(answer.version ?? "");
    this.focus();
    if (choice === "mine") {
      this.replaceChildren(answer.yours ?? label);
      this.save(mine, [document.createTextNode(answer.display ?? "")], answer.version);
      return;
    }
    this.dataset.value = answer.value ?? "";
    this.replaceChildren(answer.display ?? answer.value ?? "–");
    this.finish();
  }
}

customElements.define("inline-edit", InlineEdit);
