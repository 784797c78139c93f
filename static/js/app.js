// Entry point of the shell: everything a page gets without asking.
import "./preferences.js";
import "./toasts.js";
import "./drawer.js";
import "./overlays.js";
import "./keyboard.js";
import "./palette.js";
import "./inline-edit.js";
import "./treetable.js";
import "./tabs.js";
import "./time.js";
import "./forms.js";
import "./requests.js";
import "./charts.js";
import "./live.js";
import "./deals.js";
import "./passkeys.js";

document.documentElement.dataset.ready = "true";
