// What a person must decide: whether to close a deal, and whose value stays when two changed it. Keys, the palette and
// live changes wait while a question is open.
import { $, el, text } from "./dom.js";

export const isDeciding = () => $("dialog[data-decision]") !== null;

/** Ask; answers with the value of the button, null when the question is put away. The last button has the focus. */
export function decide(heading, content, buttons) {
  return new Promise((answer) => {
    const dialog = el("dialog", { class: "dialog", "aria-label": heading, "data-decision": true });
    const end = (value) => { answer(value); dialog.close(); };
    buttons.forEach(([button, value]) => button.addEventListener("click", () => end(value)));
    dialog.append(el("h2", {}, heading), content, el("div", { class: "dialog__actions" }, ...buttons.map(([button]) => button)));
    dialog.addEventListener("close", () => { answer(null); dialog.remove(); });
    document.body.append(dialog);
    dialog.showModal();
    buttons.at(-1)[0].focus();
  });
}

const plain = (words) => el("button", { class: "btn", type: "button" }, words);
const primary = (words) => el("button", { class: "btn btn--primary", type: "button" }, words);

/** Two changed the same value: "mine", "theirs", or null. */
export function decideConflict(answer, mine) {
  const facts = el("dl", { class: "facts" },
    el("dt", {}, text("theirs")), el("dd", {}, `${answer.display || answer.value || "–"}${answer.by ? ` · ${answer.by}` : ""}`),
    el("dt", {}, text("yours")), el("dd", {}, answer.yours ?? mine));
  return decide(answer.message ?? text("conflict"), facts, [[plain(text("useMine")), "mine"], [primary(text("keepTheirs")), "theirs"]]);
}

/** Closing is decided after the server has said what it would do: true or false. */
export async function decideClosing(address, question, status) {
  const won = status === "WON";
  const yes = primary(text(won ? "closeWon" : "closeLost"));
  yes.disabled = true;
  const body = el("div", { class: "stack-s closing", "aria-live": "polite" }, el("p", { class: "muted" }, text("loading")));
  const answer = decide(text(won ? "closeWonAsked" : "closeLostAsked"), body, [[plain(text("cancel")), false], [yes, true]]);
  try {
    const response = await fetch(`${address}?${new URLSearchParams(question)}`, { credentials: "same-origin" });
    if (!response.ok || response.redirected) throw new Error(String(response.status));
    body.innerHTML = await response.text();
    yes.disabled = !Number($("[data-closing-count]", body)?.dataset.closingCount);
    if (!yes.disabled) yes.focus();
  } catch {
    body.replaceChildren(el("p", { class: "against" }, text("failed")));
  }
  return (await answer) === true;
}
