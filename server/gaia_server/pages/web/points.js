// Points as text: a table with columns of longitude and latitude, or GeoJSON. What is read here is only shown on a map;
// the server reads it anew.

const SEPARATORS = ["\t", ";", ",", "|"];
const COLUMNS = [["decimallongitude", "decimallatitude"], ["longitude", "latitude"], ["lon", "lat"], ["x", "y"]];
const HEADER = "name,longitude,latitude";
const MOST_SHOWN = 2000;

const bare = (cell) => cell.trim().replace(/^"(.*)"$/, "$1");

function readTable(text) {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  if (lines.length === 0) return null;
  const count = (separator) => lines[0].split(separator).length;
  const separator = SEPARATORS.reduce((best, each) => (count(each) > count(best) ? each : best));
  const names = lines[0].split(separator).map((each) => bare(each).toLowerCase());
  const pair = COLUMNS.map((each) => each.map((name) => names.indexOf(name))).find(([x, y]) => x >= 0 && y >= 0);
  return pair ? { lines, separator, names, x: pair[0], y: pair[1] } : null;
}

function readGeoJson(text) {
  try {
    const there = JSON.parse(text);
    return there?.type === "FeatureCollection" && Array.isArray(there.features) ? there : null;
  } catch {
    return null; // half-written text is no mistake yet
  }
}

/** Longitude and latitude of what can be read; what cannot is left out. */
export function readPoints(text) {
  const features = readGeoJson(text)?.features;
  const table = features ? null : readTable(text);
  const number = (cell = "") => (bare(cell) === "" ? Number.NaN : Number(table.separator === "," ? bare(cell) : bare(cell).replace(",", ".")));
  const read = features
    ? features.map((each) => (each?.geometry?.type === "Point" ? each.geometry.coordinates : []))
    : (table?.lines.slice(1, MOST_SHOWN + 1) ?? []).map((line) => line.split(table.separator)).map((cells) => [number(cells[table.x]), number(cells[table.y])]);
  return read.filter(([x, y]) => Number.isFinite(x) && Math.abs(y) <= 90).slice(0, MOST_SHOWN);
}

/** The text with one more point; a text that holds no places is replaced by a table of one. */
export function addPoint(text, longitude, latitude) {
  const collection = readGeoJson(text);
  if (collection) {
    const name = String(collection.features.length + 1);
    const geometry = { type: "Point", coordinates: [longitude, latitude] };
    const features = [...collection.features, { type: "Feature", properties: { name }, geometry }];
    return JSON.stringify({ ...collection, features });
  }
  const { lines, separator, names, x, y } = readTable(text) ?? readTable(HEADER);
  const free = names.findIndex((_, at) => at !== x && at !== y);
  const cells = names.map((_, at) => (at === x ? longitude : at === y ? latitude : at === free ? lines.length : ""));
  return `${[...lines, cells.join(separator)].join("\n")}\n`;
}

/** The text without its last point. */
export function dropPoint(text) {
  const collection = readGeoJson(text);
  if (collection) return JSON.stringify({ ...collection, features: collection.features.slice(0, -1) });
  const table = readTable(text);
  if (!table) return text;
  return table.lines.length > 2 ? `${table.lines.slice(0, -1).join("\n")}\n` : "";
}
