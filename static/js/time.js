// <time data-time="relative|datetime|date">: shown in the company's zone, as the server writes them; relative ones tick.
import { $$, dateLang, onContent, text } from "./dom.js";

const lang = dateLang;
const relative = new Intl.RelativeTimeFormat(lang, { numeric: "auto", style: "long" });
const timeZone = zoneKnown(document.documentElement.dataset.zone);
const exact = new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "short", timeZone });
const named = new Intl.DateTimeFormat(lang, { day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short", timeZone });
const date = new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeZone });
const UNITS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]];

/** The zone, or undefined (the browser's) for a name this browser does not know. */
function zoneKnown(name) {
  try { return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone; } catch { return undefined; }
}

function ago(then) {
  const seconds = (then - Date.now()) / 1000;
  if (Math.abs(seconds) < 45) return text("justNow");
  for (const [unit, size] of UNITS) {
    if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), unit);
  }
  return relative.format(Math.round(seconds / 60) || -1, "minute");
}

function show(node) {
  const then = new Date(node.dateTime);
  if (Number.isNaN(then.getTime())) return;
  const style = node.dataset.time;
  node.title = named.format(then);
  node.textContent = style === "date" ? date.format(then) : style === "datetime" ? exact.format(then) : ago(then);
}

onContent((root) => $$("time[data-time]", root).forEach(show));
// "Just now" means nothing on paper.
addEventListener("beforeprint", () => $$("time[data-time=relative]").forEach((node) => { node.textContent = exact.format(new Date(node.dateTime)); }));
addEventListener("afterprint", () => $$("time[data-time=relative]").forEach(show));
setInterval(() => { if (!document.hidden) $$("time[data-time=relative]").forEach(show); }, 20000);
