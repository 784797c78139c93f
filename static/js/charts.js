// Chart host. <figure data-chart data-chart-url="…"> or data-chart-data="id of a JSON script".
//
// Figures are plotly JSON whose colours are written as tokens ("token:cat-won", "token:accent/0.2"); they are resolved
// here, so that a change of theme restyles without a reload. Points whose customdata is an address open the drawer.
import { $, $$, announce, el, onContent, once, text } from "./dom.js";
import { asPng, withHeading } from "./chart-picture.js";
import { openDrawer } from "./drawer.js";

// plotly.js would inject the map library's sheet, which the content policy refuses; it looks for this id first.
// (tests/apps/ui/test_charts.py notices when an update of plotly changes it.)
const MAP_SHEET = "9f215cf04c5486422605d13261cb87401f4e7763b6296af81e98efbc0130da53";

let loading = null;
function plotly() {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  loading ??= new Promise((resolve, reject) => {
    document.head.append(el("meta", { id: MAP_SHEET }));
    const script = el("script", { src: document.body.dataset.plotlyUrl });
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => { loading = null; reject(new Error("plotly")); };
    document.head.append(script);
  });
  return loading;
}

// Colours ---------------------------------------------------------------------------------------------------
const probe = el("span", { hidden: true });
function colour(name, alpha) {
  if (!probe.isConnected) document.body.append(probe);
  probe.style.color = `var(--${name})`;
  const value = getComputedStyle(probe).color;
  const parts = value.match(/[\d.]+/g);
  return alpha && parts ? `rgba(${parts[0]}, ${parts[1]}, ${parts[2]}, ${alpha})` : value;
}
function resolve(node) {
  if (typeof node === "string") {
    if (!node.startsWith("token:")) return node;
    const [name, alpha] = node.slice(6).split("/");
    return colour(name, alpha);
  }
  if (Array.isArray(node)) return node.map(resolve);
  if (node && typeof node === "object") return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, resolve(value)]));
  return node;
}

// Frame: what all charts share --------------------------------------------------------------------------------
function frame(layout) {
  const font = getComputedStyle(document.body).fontFamily;
  const decimal = new Intl.NumberFormat(document.documentElement.lang).format(1.1)[1];
  const axis = { gridcolor: colour("grid-line"), zerolinecolor: colour("line-strong"),
    zerolinewidth: 1, automargin: true, ticks: "", tickfont: { color: colour("ink-3"), size: 12 }, exponentformat: "B", fixedrange: true };
  const merged = {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: font, size: 12, color: colour("ink-2") },
    margin: { l: 8, r: 16, t: 12, b: 8 }, separators: decimal === "," ? ",." : ".,", bargap: 0.32, dragmode: false, showlegend: false,
    hoverlabel: { bgcolor: colour("raised"), bordercolor: colour("line-strong"), font: { family: font, size: 12, color: colour("ink") } },
    legend: { orientation: "h", y: 1.08, x: 0, font: { size: 12 } },
    ...resolve(layout),
  };
  for (const key of ["xaxis", "yaxis"]) merged[key] = { ...axis, ...(merged[key] ?? {}) };
  if (merged.xaxis.showgrid === undefined) merged.xaxis.showgrid = merged.xaxis.type === "linear";
  for (const key of Object.keys(merged)) if (/^[xy]axis\d/.test(key)) merged[key] = { ...axis, ...merged[key] };
  return merged;
}

const CONFIG = { displayModeBar: false, displaylogo: false, responsive: true, showTips: false, topojsonURL: "/static/topojson/", doubleClick: false };

async function figureOf(host) {
  if (host.figure) return host.figure;
  const inline = host.dataset.chartData && document.getElementById(host.dataset.chartData);
  if (inline) host.figure = JSON.parse(inline.textContent);
  else {
    const response = await fetch(host.dataset.chartUrl, { credentials: "same-origin", headers: { Accept: "application/json" } });
    if (!response.ok) throw new Error(String(response.status));
    host.figure = await response.json();
  }
  return host.figure;
}

// On a phone the names of many bars would overlap: there the bars lie, one under the other.
const PHONE = 480;
const BAR = 34;
function lying({ data, layout }) {
  const { tickvals: ticks, ticktext: names, ...others } = layout.yaxis;
  const few = (list) => list.filter((_, index) => index % 2 === 0);
  const values = ticks?.length > 4 ? { ...others, tickvals: few(ticks), ticktext: few(names) } : layout.yaxis;
  return {
    data: data.map((trace) => ({ ...trace, orientation: "h", x: trace.y, y: trace.x.map((name) => String(name).replace(/<br>/g, " ")),
      hovertemplate: trace.hovertemplate?.replace("%{x}", "%{y}") })),
    layout: { ...layout, xaxis: { ...values, type: "linear" }, yaxis: { autorange: "reversed", type: "category" },
      margin: { ...layout.margin, r: 64 }, height: data[0].x.length * BAR + 48 },
  };
}

async function draw(host) {
  const canvas = $(".chart__canvas", host);
  try {
    const [lib, asked] = await Promise.all([plotly(), figureOf(host)]);
    const lies = asked.layout?.meta?.lies_on_phones && canvas.clientWidth < PHONE;
    const figure = lies ? lying(asked) : asked;
    canvas.style.blockSize = lies ? `${figure.layout.height}px` : "";
    $(".skeleton", canvas)?.remove();
    const height = canvas.clientHeight || 280;
    await lib.react(canvas, resolve(figure.data), { ...frame(figure.layout ?? {}), height, autosize: true }, CONFIG);
    if (!canvas.dataset.wired) {
      canvas.dataset.wired = "1";
      canvas.on("plotly_click", ({ points }) => {
        const link = [points[0]?.customdata].flat().find((item) => typeof item === "string" && item.startsWith("/"));
        if (link) openDrawer(link, host);
      });
    }
    const title = $(".chart__title", host);
    if (title && !title.textContent.trim() && figure.layout?.meta?.title) title.textContent = figure.layout.meta.title;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", title?.textContent.trim() ?? "");
    fillTable(host, asked);
    host.dataset.drawn = "true";
  } catch {
    canvas.replaceChildren(el("p", { class: "chart__error" }, text("chartFailed")));
    host.dataset.drawn = "failed";
  }
}

// Table twin ----------------------------------------------------------------------------------------------------
const plain = (value) => new DOMParser().parseFromString(String(value ?? ""), "text/html").body.textContent;
function cell(value) {
  if (typeof value === "number") return el("td", { class: "num" }, new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 2 }).format(value));
  return el("td", {}, value === null || value === undefined ? "–" : plain(value));
}
function tableOf(figure) {
  const first = figure.data[0] ?? {};
  if (first.type === "sankey") {
    const { label } = first.node;
    return [["", "", ""], first.link.value.map((value, i) => [label[first.link.source[i]], label[first.link.target[i]], value])];
  }
  if (first.type === "heatmap") return [["", ...first.x], first.y.map((name, row) => [name, ...first.z[row]])];
  const shown = figure.data.filter((trace) => trace.x && trace.y && !trace.meta?.decoration);
  const along = shown[0]?.orientation === "h" ? "y" : "x";
  const across = along === "x" ? "y" : "x";
  const keys = [...new Set(shown.flatMap((trace) => trace[along]))];
  const maps = shown.map((trace) => new Map(trace[along].map((key, i) => [key, trace[across][i]])));
  return [["", ...shown.map((trace) => trace.name ?? "")], keys.map((key) => [key, ...maps.map((map) => map.get(key))])];
}
function fillTable(host, figure) {
  const box = $(".chart__table", host);
  if (!box || box.querySelector("table")) return;
  const [head, body] = tableOf(figure);
  const table = el("table", { class: "table" },
    el("thead", {}, el("tr", {}, ...head.map((name, i) => el("th", { scope: "col", class: i && body.some((row) => typeof row[i] === "number") ? "num" : null }, plain(name))))),
    el("tbody", {}, ...body.map((row) => el("tr", {}, el("th", { scope: "row" }, plain(row[0])), ...row.slice(1).map(cell)))));
  box.append(table);
}

async function save(host, format) {
  const lib = await plotly();
  const canvas = $(".chart__canvas", host);
  const title = $(".chart__title", host)?.textContent.trim() ?? "";
  const name = (title || "chart").slice(0, 80).replace(/[^\p{L}\p{N}]+/gu, "-");
  const { width, height } = canvas._fullLayout; // as drawn, though a table may be shown in its place now
  const chart = await lib.toImage(canvas, { format: "svg", width, height, imageDataOnly: true });
  const picture = withHeading(chart, { width, height, title, facts: host.dataset.chartFacts ?? "", colour });
  const url = format === "png" ? await asPng(picture) : picture.url;
  const link = el("a", { href: url, download: `${name}.${format}` });
  document.body.append(link);
  link.click();
  link.remove();
}

// A chart that is fetched again stays the table it was made into.
const asTables = new Set();
const place = (host) => host.closest("[id]")?.id ?? "";
function show(host, asTable) {
  host.dataset.view = asTable ? "table" : "chart";
  const control = $("[data-chart-action=table]", host);
  control?.setAttribute("aria-pressed", String(asTable));
  const words = control && $("[data-words]", control);
  if (words) words.textContent = text(asTable ? "showChart" : "showTable");
}

document.addEventListener("click", (event) => {
  const control = event.target.closest?.("[data-chart-action]");
  const host = control?.closest("[data-chart]");
  if (!host) return;
  const action = control.dataset.chartAction;
  if (action === "table") {
    const on = host.dataset.view !== "table";
    if (on) asTables.add(place(host)); else asTables.delete(place(host));
    show(host, on);
    announce(text(on ? "showTable" : "showChart"));
    if (!on) window.dispatchEvent(new Event("resize"));
  } else {
    save(host, action);
  }
  control.closest("details")?.removeAttribute("open");
});

const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    seen.unobserve(entry.target);
    draw(entry.target);
  }
}, { rootMargin: "200px" });

onContent((root) => once(root, "[data-chart]", "chartReady", (host) => {
  seen.observe(host);
  if (asTables.has(place(host))) show(host, true);
  host.addEventListener("refresh", () => { if (host.dataset.chartUrl) { host.figure = null; $(".chart__table table", host)?.remove(); } draw(host); });
}));

// On paper everything is seen.
addEventListener("beforeprint", () => $$("[data-chart]:not([data-drawn])").forEach((host) => { seen.unobserve(host); draw(host); }));

const redraw = () => requestAnimationFrame(() => $$("[data-chart][data-drawn=true]").forEach(draw));
document.addEventListener("salesops:theme", redraw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
