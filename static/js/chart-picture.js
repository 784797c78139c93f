// A chart as a picture that says by itself what it shows: its title, whose figures of which period, as of when.
import { el } from "./dom.js";

const MARGIN = 16;
const TITLE = { size: 15, weight: 600, leading: 21, ink: "ink" };
const FACTS = { size: 12, weight: 400, leading: 17, ink: "ink-2" };
const PEN = document.createElement("canvas").getContext("2d");

function lines(words, { size, weight }, font, room) {
  PEN.font = `${weight} ${size}px ${font}`;
  const found = [];
  for (const word of words.split(" ").filter(Boolean)) {
    const longer = `${found.at(-1)} ${word}`;
    if (found.length && PEN.measureText(longer).width <= room) found[found.length - 1] = longer;
    else found.push(word);
  }
  return found;
}

function written(words, { size, weight }, y, fill, font) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", "text");
  const attributes = { x: MARGIN, y, fill, "font-family": font, "font-size": size, "font-weight": weight };
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.textContent = words;
  return new XMLSerializer().serializeToString(node);
}

// `chart` is the drawing as SVG; `colour` tells a token's colour in the theme at hand, in which the chart is drawn as well.
export function withHeading(chart, { width, height, title, facts, colour }) {
  const font = getComputedStyle(document.body).fontFamily;
  let y = MARGIN;
  let heading = "";
  for (const [words, style] of [[title, TITLE], [facts, FACTS]]) {
    for (const line of lines(words, style, font, width - 2 * MARGIN)) {
      y += style.leading;
      heading += written(line, style, y - 5, colour(style.ink), font);
    }
  }
  y += MARGIN / 2;
  const whole = y + height;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${whole}" viewBox="0 0 ${width} ${whole}">`
    + `<rect width="${width}" height="${whole}" fill="${colour("surface")}"/>${heading}${chart.replace("<svg", `<svg y="${y}"`)}</svg>`;
  return { url: `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`, width, height: whole };
}

export async function asPng({ url, width, height }, scale = 2) {
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = el("canvas", { width: width * scale, height: height * scale });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/png");
}
