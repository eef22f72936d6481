// Draws previews of results: a map, a series, a table or a text, by what the centre wrote beside the file.

const SVG = "http://www.w3.org/2000/svg";
// Viridis (van der Walt & Smith, 2015), 16 steps: even to the eye, readable without red and green, and in grey.
const SCALE = [
  "#440154", "#481a6c", "#472f7d", "#414487", "#39568c", "#31688e", "#2a788e", "#23888e",
  "#1f988b", "#22a884", "#35b779", "#54c568", "#7ad151", "#a5db36", "#d2e21b", "#fde725",
].map((hex) => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)));

const language = document.documentElement.lang;
const words = JSON.parse(document.querySelector("[data-words]").dataset.words);
const number = (value, digits = 4) => new Intl.NumberFormat(language, { maximumSignificantDigits: digits }).format(value);
const fill = (text, values) => text.replace(/%\((\w+)\)s/g, (_, name) => values[name] ?? "");

function draw(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function make(name, text, className) {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
}

function colour(share) {
  const place = Math.min(Math.max(share, 0), 1) * (SCALE.length - 1);
  const below = Math.min(Math.floor(place), SCALE.length - 2);
  return SCALE[below].map((each, channel) => Math.round(each + (place - below) * (SCALE[below + 1][channel] - each)));
}

function niceTicks(low, high, most) {
  const rough = (high - low) / most || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((each) => each * power).find((each) => each >= rough);
  const ticks = [];
  for (let count = Math.ceil(low / step - 1e-9); count * step <= high + step * 1e-9; count += 1) ticks.push(count * step || 0); // never a negative zero
  return ticks;
}

function degrees(value, axis) {
  const turned = axis === "x" ? ((((value + 180) % 360) + 360) % 360) - 180 : value;
  const side = turned === 0 || Math.abs(turned) === 180 ? "" : axis === "x" ? (turned < 0 ? " W" : " E") : turned < 0 ? " S" : " N";
  const letter = language === "fr" && side === " W" ? " O" : side;
  return `${number(Math.abs(turned))}°${letter}`;
}

const TIME = /^-?\d{4,}-\d\d-\d\dT\d\d:\d\d/;

function time(text) {
  const plain = text.replace(/Z$/, "");
  return plain.endsWith("T00:00:00") ? plain.slice(0, -9) : plain.replace("T", " ");
}

// --- caption ---------------------------------------------------------------------------------------------------------

function caption(told) {
  const figcaption = make("figcaption");
  const { title, units } = told.variable;
  figcaption.append(make("b", units ? `${title} (${units})` : title));
  for (const each of told.at) {
    const value = typeof each.value === "string" ? time(each.value) : each.units === undefined ? String(each.value) : `${each.name} ${number(each.value ?? Number.NaN)} ${each.units}`;
    figcaption.append(make("span", each.steps > 1 ? `${value} (${fill(words.steps, { steps: each.steps })})` : value));
  }
  return figcaption;
}

function described(kind, told) {
  const { title, units } = told.variable;
  return fill(words[kind], { variable: title, minimum: number(told.minimum), maximum: number(told.maximum), units });
}

// --- map -------------------------------------------------------------------------------------------------------------

function decode(cells) {
  const bytes = Uint8Array.from(atob(cells.data), (each) => each.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Array.from({ length: bytes.length / 2 }, (_, at) => view.getUint16(2 * at, true));
}

// The edges of cells lie midway between their centres.
function edges(centres) {
  if (centres.length === 1) return [centres[0] - 0.5, centres[0] + 0.5];
  const inner = centres.slice(1).map((each, at) => (each + centres[at]) / 2);
  const last = centres.length - 1;
  return [2 * centres[0] - inner[0], ...inner, 2 * centres[last] - inner[last - 1]];
}

function finder(bounds) {
  const up = bounds[bounds.length - 1] > bounds[0];
  return (value) => {
    let low = 0;
    let high = bounds.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (value >= bounds[middle] === up) low = middle;
      else high = middle;
    }
    return low;
  };
}

function paint(codes, columns, findX, findY, box, width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const atX = Array.from({ length: width }, (_, x) => findX(box.west + ((x + 0.5) / width) * (box.east - box.west)));
  for (let y = 0; y < height; y += 1) {
    const row = findY(box.north - ((y + 0.5) / height) * (box.north - box.south)) * columns;
    for (let x = 0; x < width; x += 1) {
      const code = codes[row + atX[x]];
      if (code === 0) continue; // what is missing stays clear: the hatching below shows
      const [red, green, blue] = colour((code - 1) / 65534);
      image.data.set([red, green, blue, 255], 4 * (y * width + x));
    }
  }
  context.putImageData(image, 0, 0);
  return canvas.toDataURL("image/png");
}

function hatching(id) {
  const pattern = draw("pattern", { id, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
  pattern.append(draw("rect", { class: "void", width: 6, height: 6 }), draw("line", { class: "hatch", y2: 6 }));
  return pattern;
}

function colourBar(svg, id, told, { x, y, width, anyMissing }) {
  const gradient = draw("linearGradient", { id: `${id}-scale` });
  SCALE.forEach((_, at) => {
    gradient.append(draw("stop", { offset: at / (SCALE.length - 1), "stop-color": `rgb(${SCALE[at]})` }));
  });
  svg.append(draw("defs", {}, gradient));
  const space = anyMissing ? 90 : 0;
  const long = width - space;
  svg.append(draw("rect", { x, y, width: long, height: 12, fill: `url(#${id}-scale)` }));
  svg.append(draw("rect", { class: "frame", x, y, width: long, height: 12 }));
  const { minimum: low, maximum: high } = told;
  const ticks = low === high ? [low] : niceTicks(low, high, Math.max(Math.floor(long / 70), 2));
  for (const tick of ticks) {
    const at = x + (low === high ? 0.5 : (tick - low) / (high - low)) * long;
    svg.append(draw("line", { class: "axis", x1: at, x2: at, y1: y + 12, y2: y + 16 }));
    svg.append(draw("text", { x: at, y: y + 29, "text-anchor": "middle" }, number(tick, 6)));
  }
  if (!anyMissing) return;
  svg.append(draw("rect", { x: x + long + 20, y, width: 16, height: 12, fill: `url(#${id}-hatch)` }));
  svg.append(draw("rect", { class: "frame", x: x + long + 20, y, width: 16, height: 12 }));
  svg.append(draw("text", { x: x + long + 41, y: y + 11 }, words.missing));
}

const coasts = new Map();

// The lines of the coasts, in degrees; read once, however many maps there are.
function readCoast(href) {
  if (!coasts.has(href)) {
    const lines = fetch(href)
      .then((answer) => answer.text())
      .then((text) => new DOMParser().parseFromString(text, "image/svg+xml").querySelector("path")?.getAttribute("d") ?? "");
    coasts.set(href, lines);
  }
  return coasts.get(href);
}

// The part of the coasts that lies in the box; its lines stay as thin as they are.
function coast(lines, box, { x, y, width, height }) {
  const viewBox = `${box.west} ${-box.north} ${box.east - box.west} ${box.north - box.south}`;
  const part = draw("svg", { x, y, width, height, viewBox, preserveAspectRatio: "none", "aria-hidden": "true" });
  for (const turn of [-360, 0, 360]) {
    if (turn + 180 <= box.west || turn - 180 >= box.east) continue;
    const under = draw("path", { class: "coast-under", d: lines });
    part.append(draw("g", { transform: `translate(${turn} 0)` }, under, draw("path", { class: "coast", d: lines })));
  }
  return part;
}

// The parts of a map that every kind has: where it lies on the page, its frame, coasts and degrees.
function chart(whole, box, label) {
  const [left, right] = whole < 400 ? [44, 12] : [52, 26]; // a phone has no room to spare
  const most = whole - left - right;
  const ratio = (box.north - box.south) / (box.east - box.west);
  const tallest = Math.max(Math.min(window.innerHeight * 0.65, 560), 200);
  const width = Math.min(most, Math.max(tallest / ratio, 160));
  const height = Math.max(width * ratio, 60);
  const x0 = left + (most - width) / 2;
  const toX = (value) => x0 + ((value - box.west) / (box.east - box.west)) * width;
  const toY = (value) => 8 + ((box.north - value) / (box.north - box.south)) * height;
  const svg = draw("svg", { viewBox: `0 0 ${whole} ${height + 76}`, role: "img", "aria-label": label });
  return { svg, x0, width, height, toX, toY };
}

function frameMap({ svg, x0, width, height, toX, toY }, box, coastHref) {
  const frame = draw("rect", { class: "frame", x: x0, y: 8, width, height });
  svg.append(frame);
  readCoast(coastHref)
    .then((lines) => frame.before(coast(lines, box, { x: x0, y: 8, width, height })))
    .catch((error) => console.info(error)); // a map without coasts is a map
  for (const tick of niceTicks(box.west, box.east, Math.max(Math.floor(width / 65), 2))) {
    svg.append(draw("line", { class: "axis", x1: toX(tick), x2: toX(tick), y1: height + 8, y2: height + 13 }));
    svg.append(draw("text", { x: toX(tick), y: height + 27, "text-anchor": "middle" }, degrees(tick, "x")));
  }
  for (const tick of niceTicks(box.south, box.north, Math.max(Math.floor(height / 45), 2))) {
    svg.append(draw("line", { class: "axis", x1: x0 - 5, x2: x0, y1: toY(tick), y2: toY(tick) }));
    svg.append(draw("text", { x: x0 - 8, y: toY(tick) + 4, "text-anchor": "end" }, degrees(tick, "y")));
  }
}

// A map in a figure: drawn anew when the page gets another width, and read where the pointer is.
function placeMap(figure, box, label, { paintOn, readAt }) {
  const holder = make("div");
  const read = make("p", "", "read");
  figure.append(holder, read);
  let drawn = 0;

  function redraw() {
    const whole = Math.max(Math.floor(holder.clientWidth), 240);
    if (whole === drawn) return;
    drawn = whole;
    const map = chart(whole, box, label);
    paintOn(map);
    map.svg.addEventListener("pointermove", (event) => {
      const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(map.svg.getScreenCTM().inverse());
      const longitude = box.west + ((point.x - map.x0) / map.width) * (box.east - box.west);
      const latitude = box.north - ((point.y - 8) / map.height) * (box.north - box.south);
      const inside = longitude >= box.west && longitude <= box.east && latitude <= box.north && latitude >= box.south;
      read.textContent = inside ? readAt(longitude, latitude, map) : "";
    });
    map.svg.addEventListener("pointerleave", () => { read.textContent = ""; });
    holder.replaceChildren(map.svg);
  }

  redraw();
  new ResizeObserver(redraw).observe(holder);
}

function reading(longitude, latitude, value, told) {
  const text = value === null ? words.missing : `${number(value)} ${told.variable.units}`.trim();
  return `${degrees(latitude, "y")}, ${degrees(longitude, "x")}: ${text}`;
}

function drawMap(figure, told, id) {
  const [rows, columns] = told.cells.shape;
  const codes = decode(told.cells);
  const boundsX = edges(told.x.values);
  const boundsY = edges(told.y.values);
  const clampY = (value) => Math.min(Math.max(value, -90), 90);
  const box = { west: boundsX[0], east: boundsX[columns], north: clampY(boundsY[0]), south: clampY(boundsY[rows]) };
  const findX = finder(boundsX);
  const findY = finder(boundsY);
  const anyMissing = codes.includes(0);
  placeMap(figure, box, described("map", told), {
    paintOn(map) {
      const { svg, x0, width, height } = map;
      svg.append(draw("defs", {}, hatching(`${id}-hatch`)));
      svg.append(draw("rect", { x: x0, y: 8, width, height, fill: `url(#${id}-hatch)` }));
      const sharp = Math.min(window.devicePixelRatio || 1, 2);
      const picture = paint(codes, columns, findX, findY, box, Math.round(width * sharp), Math.round(height * sharp));
      svg.append(draw("image", { href: picture, x: x0, y: 8, width, height, preserveAspectRatio: "none" }));
      frameMap(map, box, figure.dataset.coast);
      if (told.minimum !== undefined) colourBar(svg, id, told, { x: x0, y: height + 42, width, anyMissing });
    },
    readAt(longitude, latitude) {
      const code = codes[findY(latitude) * columns + findX(longitude)];
      const value = told.minimum + ((code - 1) / 65534) * (told.maximum - told.minimum);
      return reading(longitude, latitude, code === 0 ? null : value, told);
    },
  });
  if (told.places === undefined) figure.append(make("p", fill(words.coarse, { columns, rows }), "quiet"));
}

const DOT_PX = 5;
const NEAR_PX = 14;

function drawPoints(figure, told, id) {
  const [west, south, east, north] = told.box;
  const anyMissing = told.points.some(([, , value]) => value === null);
  const shareOf = (value) => (told.maximum === told.minimum ? 0.5 : (value - told.minimum) / (told.maximum - told.minimum));
  const box = { west, south, east, north };
  placeMap(figure, box, described("map", told), {
    paintOn(map) {
      const { svg, x0, width, height, toX, toY } = map;
      svg.append(draw("defs", {}, hatching(`${id}-hatch`)));
      svg.append(draw("rect", { class: "void", x: x0, y: 8, width, height }));
      frameMap(map, box, figure.dataset.coast);
      for (const [x, y, value] of told.points) {
        const paintOf = value === null ? `url(#${id}-hatch)` : `rgb(${colour(shareOf(value))})`;
        svg.append(draw("circle", { class: "place", cx: toX(x), cy: toY(y), r: DOT_PX, fill: paintOf }));
      }
      if (told.minimum !== undefined) colourBar(svg, id, told, { x: x0, y: height + 42, width, anyMissing });
    },
    readAt(longitude, latitude, { toX, toY }) {
      const far = ([x, y]) => Math.hypot(toX(x) - toX(longitude), toY(y) - toY(latitude));
      const nearest = told.points.reduce((best, each) => (far(each) < far(best) ? each : best));
      return far(nearest) <= NEAR_PX ? reading(...nearest, told) : "";
    },
  });
}

// --- series ----------------------------------------------------------------------------------------------------------

// Calendars may have a 30 February: a share of the year is near enough to place a point.
function place(value, at) {
  if (typeof value !== "string") return value ?? at;
  const [, year, month, day, hour, minute] = value.match(/^(-?\d+)-(\d+)-(\d+)T(\d+):(\d+)/).map(Number);
  return year + (month - 1 + (day - 1 + (hour + minute / 60) / 24) / 31) / 12;
}

function labels(values) {
  if (typeof values[0] !== "string") return values.map((each) => number(each ?? Number.NaN));
  const spanYears = place(values[values.length - 1]) - place(values[0]);
  const length = spanYears > 12 ? 4 : spanYears > 0.6 ? 7 : 10;
  return values.map((each) => (spanYears < 0.01 ? each.slice(5, 16).replace("T", " ") : each.slice(0, length)));
}

// Round years or numbers where there are enough of them, else some of the steps themselves.
function ticksAlong(axis, places, texts, most) {
  const [low, high] = [Math.min(...places), Math.max(...places)];
  const dated = typeof axis.values[0] === "string";
  if (dated ? high - low > 4 : places.length > 1) {
    const ticks = niceTicks(low, high, most).filter((each) => !dated || Number.isInteger(each));
    return ticks.map((each) => [each, dated ? String(each) : number(each, 6)]);
  }
  const step = Math.max(Math.ceil(places.length / most), 1);
  return places.map((each, at) => [each, texts[at]]).filter((_, at) => at % step === Math.floor(((places.length - 1) % step) / 2));
}

function drawSeries(figure, told) {
  const places = told.x.values.map(place);
  const texts = labels(told.x.values);
  const holder = make("div");
  const read = make("p", "", "read");
  figure.append(holder, read);
  let drawn = 0;

  function redraw() {
    const whole = Math.max(Math.floor(holder.clientWidth), 240);
    if (whole === drawn) return;
    drawn = whole;
    const height = Math.min(Math.max(whole * 0.4, 180), 340);
    const spread = told.maximum - told.minimum || Math.abs(told.maximum) * 0.1 || 1;
    const ticks = niceTicks(told.minimum - spread * 0.02, told.maximum + spread * 0.02, Math.floor(height / 45));
    const low = Math.min(told.minimum - spread * 0.04, ...ticks);
    const high = Math.max(told.maximum + spread * 0.04, ...ticks);
    const left = 16 + 7.2 * Math.max(...ticks.map((each) => number(each, 6).length));
    const [first, last] = [Math.min(...places), Math.max(...places)];
    const width = whole - left - 24;
    const toX = (value) => left + (last === first ? 0.5 : (value - first) / (last - first)) * width;
    const toY = (value) => 8 + ((high - value) / (high - low)) * height;
    const svg = draw("svg", { viewBox: `0 0 ${whole} ${height + 52}`, role: "img", "aria-label": described("series", told) });
    for (const tick of ticks) {
      svg.append(draw("line", { class: "grid", x1: left, x2: left + width, y1: toY(tick), y2: toY(tick) }));
      svg.append(draw("text", { x: left - 8, y: toY(tick) + 4, "text-anchor": "end" }, number(tick, 6)));
    }
    for (const [at, text] of ticksAlong(told.x, places, texts, Math.max(Math.floor(width / 95), 1))) {
      svg.append(draw("line", { class: "axis", x1: toX(at), x2: toX(at), y1: height + 8, y2: height + 13 }));
      svg.append(draw("text", { x: toX(at), y: height + 27, "text-anchor": "middle" }, text));
    }
    svg.append(draw("line", { class: "axis", x1: left, x2: left + width, y1: height + 8, y2: height + 8 }));
    const named = told.x.units ? `${told.x.name} (${told.x.units})` : told.x.name;
    svg.append(draw("text", { x: left + width / 2, y: height + 46, "text-anchor": "middle" }, named));
    let path = "";
    let pen = false;
    told.values.forEach((value, at) => {
      if (value !== null) path += `${pen ? "L" : "M"}${toX(places[at]).toFixed(1)} ${toY(value).toFixed(1)}`;
      pen = value !== null; // a gap in the values is a gap in the line
    });
    svg.append(draw("path", { class: "line", d: path }));
    told.values.forEach((value, at) => {
      const alone = value !== null && (told.values[at - 1] ?? null) === null && (told.values[at + 1] ?? null) === null;
      if (alone) svg.append(draw("circle", { class: "dot", cx: toX(places[at]), cy: toY(value), r: 3 }));
    });
    const dot = draw("circle", { class: "dot", r: 4, visibility: "hidden" });
    svg.append(dot);
    svg.addEventListener("pointermove", (event) => {
      const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      let near = 0;
      places.forEach((each, at) => { if (Math.abs(toX(each) - point.x) < Math.abs(toX(places[near]) - point.x)) near = at; });
      const value = told.values[near];
      const where = typeof told.x.values[near] === "string" ? time(told.x.values[near]) : `${texts[near]} ${told.x.units}`;
      read.textContent = `${where}: ${value === null ? words.missing : `${number(value)} ${told.variable.units}`}`;
      dot.setAttribute("visibility", value === null ? "hidden" : "visible");
      if (value !== null) {
        dot.setAttribute("cx", toX(places[near]));
        dot.setAttribute("cy", toY(value));
      }
    });
    holder.replaceChildren(svg);
  }

  redraw();
  new ResizeObserver(redraw).observe(holder);
}

// --- tables and texts ------------------------------------------------------------------------------------------------

function drawTable(figure, told) {
  const frame = make("div", undefined, "wide rows");
  frame.tabIndex = 0;
  frame.setAttribute("role", "region");
  frame.setAttribute("aria-label", words.table);
  const table = make("table");
  const head = make("tr");
  for (const name of told.columns) {
    const cell = make("th", name);
    cell.scope = "col";
    head.append(cell);
  }
  const top = make("thead");
  top.append(head);
  const body = make("tbody");
  for (const row of told.rows) {
    const line = make("tr");
    for (const value of row) {
      const numeric = value !== "" && value !== null && Number.isFinite(Number(value));
      const text = typeof value === "number" ? number(value, 7) : TIME.test(value) ? time(value) : (value ?? "");
      line.append(make("td", text, numeric ? "number" : TIME.test(value) ? "time" : ""));
    }
    body.append(line);
  }
  table.append(top, body);
  frame.append(table);
  figure.append(frame);
  if (told.more) figure.append(make("p", words.more, "quiet"));
}

function drawText(figure, told) {
  const pre = make("pre");
  pre.tabIndex = 0;
  pre.append(make("code", told.text));
  figure.append(pre);
  if (told.more) figure.append(make("p", words.more, "quiet"));
}

// The rows of a table, under a map of their places where they have some.
function drawRows(figure, told, id) {
  if (told.map && told.map.minimum !== undefined) {
    figure.append(caption(told.map));
    (told.map.points ? drawPoints : drawMap)(figure, told.map, id);
    if (told.map.more_places) figure.append(make("p", fill(words.places, { places: number(told.map.places, 6) }), "note warn"));
  }
  drawTable(figure, told);
}

// A picture is shown as it is.
function drawImage(figure, told) {
  const image = make("img");
  image.src = figure.dataset.file;
  image.width = told.width;
  image.height = told.height;
  image.alt = figure.dataset.title;
  figure.append(image);
}

const KINDS = {
  image: drawImage,
  map: drawMap,
  series: drawSeries,
  table: drawRows,
  text: drawText,
};

async function preview(figure, at) {
  const status = figure.querySelector("[data-status]");
  try {
    const answer = await fetch(figure.dataset.preview, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const told = await answer.json();
    status.remove();
    if (told.variable) figure.append(caption(told));
    if (told.variable && told.minimum === undefined) figure.append(make("p", words.nothing, "note warn"));
    else KINDS[told.kind](figure, told, `preview-${at}`);
    figure.dataset.drawn = told.kind;
  } catch (error) {
    console.warn(error);
    figure.replaceChildren(make("p", words.failed, "note warn"));
  }
}

document.querySelectorAll("[data-preview]").forEach(preview);
