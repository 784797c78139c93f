// Says on the page why a passkey did not work; the ceremony itself is allauth's script, which would only log it.
import { $, text } from "./dom.js";

document.addEventListener("allauth.error", (event) => {
  const notice = document.getElementById("passkey_error");
  if (!notice) return;
  event.preventDefault();
  const isAddress = event.detail?.exception?.name === "SecurityError";
  $(".notice__body", notice).textContent = text(isAddress ? "passkeyAddress" : "passkeyFailed");
  notice.hidden = false;
});
