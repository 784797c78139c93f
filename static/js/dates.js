// Fields with a date: settled by the picker, by Enter or by leaving them.
//
// While a date is typed the browser says `change` at every digit of the year (0002, 0020, …); nothing may be done then.
const types = new Set(["date", "datetime-local"]);
const isDated = (target) => target instanceof HTMLInputElement && types.has(target.type);
const settledAt = new WeakMap();
const typed = new WeakSet();

/** Calls `act(field)` when a control that matches is settled: any other control by its `change`. */
export function onSettled(selector, act) {
  document.addEventListener("change", (event) => {
    const field = event.target;
    if (!field.matches?.(selector)) return;
    if (!isDated(field)) act(field);
    else if (!typed.has(field) && field.type === "date") settle(field, act); // a day and a time are picked one by one
  });
  document.addEventListener("keydown", (event) => {
    const field = event.target;
    if (!isDated(field) || !field.matches(selector)) return;
    if (event.key !== "Enter") return;
    event.preventDefault();
    if (field.reportValidity()) settle(field, act);
  });
  document.addEventListener("focusout", (event) => {
    const field = event.target;
    // Pressing another choice of the same menu is not meant to choose the date as well.
    if (isDated(field) && field.matches(selector) && !event.relatedTarget?.matches(":active")) settle(field, act);
  });
}

function settle(field, act) {
  if (!field.validity.valid || field.value === settledAt.get(field)) return;
  act(field);
  settledAt.set(field, field.value);
}

document.addEventListener("focusin", ({ target }) => { if (isDated(target)) settledAt.set(target, target.value); });
// Keys and presses that open the picker, the key that gives up (before it closes the menu), and keys that type.
document.addEventListener("pointerdown", ({ target }) => typed.delete(target), true);
document.addEventListener("keydown", ({ target, key, altKey }) => {
  if (!isDated(target)) return;
  if (key === " " || key === "F4" || (altKey && key === "ArrowDown")) typed.delete(target);
  else if (key === "Escape") target.value = settledAt.get(target);
  else if (key !== "Tab") typed.add(target);
}, true);
