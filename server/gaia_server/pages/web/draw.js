// <gaia-draw>: areas as GeoJSON that is pasted, opened from a file, or drawn on a map corner by corner; or points, as a
// table or GeoJSON, that are pasted or set on a map.

import { Earth, clamp, norm, round, shape } from "./earth.js";
import { addPoint, dropPoint, readPoints } from "./points.js";

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const NEAR_PX = 10;

class Draw extends HTMLElement {
  connectedCallback() {
    if (this.earth) return;
    this.text = this.querySelector("textarea");
    this.corners = [];
    this.cross = null;
    this.earth = new Earth(this, this.firstElementChild);
    this.points = this.dataset.draws === "points";
    if (!this.points) this.earth.add("✓", this.earth.words.close, () => this.close());
    this.earth.add("×", this.earth.words.clear, () => this.clear());
    if (this.earth.words.file) this.append(this.opener());
    this.text.addEventListener("input", () => this.draw());
    this.earth.svg.addEventListener("click", (event) => this.click(event));
    this.earth.svg.addEventListener("keydown", (event) => this.key(event));
    this.draw();
  }

  opener() {
    const label = document.createElement("label");
    label.className = "opener";
    const span = document.createElement("span");
    span.textContent = this.earth.words.file;
    const file = document.createElement("input");
    file.type = "file";
    file.accept = ".json,.geojson,application/geo+json,application/json";
    file.addEventListener("change", async () => {
      if (file.files[0]) this.write(await file.files[0].text());
    });
    label.append(span, file);
    return label;
  }

  fit() {
    this.earth.fit(-180, -90, 180, 90);
  }

  write(text) {
    this.text.value = text;
    this.text.dispatchEvent(new Event("input", { bubbles: true }));
  }

  clear() {
    this.corners = [];
    this.write("");
  }

  /** Rings that stand in the text, of whatever kind of GeoJSON; none while it is not whole. */
  rings() {
    try {
      return outlines(JSON.parse(this.text.value));
    } catch {
      return []; // half-written text is no mistake yet
    }
  }

  close() {
    if (this.corners.length < 3) return;
    const ring = this.corners.map(([longitude, latitude]) => [round(norm(longitude)), round(latitude)]);
    const polygon = { type: "Polygon", coordinates: [[...ring, ring[0]]] };
    const features = this.features();
    features.push({ type: "Feature", properties: { name: String(features.length + 1) }, geometry: polygon });
    this.corners = [];
    this.write(JSON.stringify({ type: "FeatureCollection", features }));
  }

  features() {
    try {
      const there = JSON.parse(this.text.value);
      return there.type === "FeatureCollection" ? there.features : there.type === "Feature" ? [there] : [];
    } catch {
      return []; // what could not be read is replaced by what is drawn
    }
  }

  click(event) {
    const { longitude, latitude } = this.earth.at(event);
    this.corner(longitude, latitude);
  }

  corner(longitude, latitude) {
    if (this.points) {
      this.write(addPoint(this.text.value, round(norm(longitude), 3), round(latitude, 3)));
      return;
    }
    const [first] = this.corners;
    const near = (NEAR_PX / this.earth.svg.clientWidth) * this.earth.width;
    if (this.corners.length > 2 && Math.hypot(first[0] - longitude, first[1] - latitude) < near) {
      this.close();
      return;
    }
    this.corners.push([longitude, latitude]);
    this.draw();
  }

  key(event) {
    const act = {
      Enter: () => this.cross && this.corner(...this.cross),
      c: () => this.close(),
      Delete: () => this.back(),
      "+": () => this.earth.zoom(0.5),
      "-": () => this.earth.zoom(2),
    }[event.key];
    if (!act && !(event.key in STEPS)) return;
    event.preventDefault();
    if (act) {
      act();
      return;
    }
    const [right, up] = STEPS[event.key];
    const size = this.earth.width / 72;
    this.cross ??= [this.earth.west + this.earth.width / 2, this.earth.north - this.earth.height / 2];
    this.cross = [this.cross[0] + right * size, clamp(this.cross[1] + up * size, -90, 90)];
    this.draw();
  }

  /** Take the last corner or point away. */
  back() {
    if (this.points) {
      this.write(dropPoint(this.text.value));
      return;
    }
    this.corners.pop();
    this.draw();
  }

  draw() {
    const { layer, width } = this.earth;
    layer.replaceChildren();
    for (const ring of this.points ? [] : this.rings()) shape("polygon", { class: "box", points: path(ring) }, layer);
    if (this.corners.length) shape("polyline", { class: "line", points: path(this.corners) }, layer);
    for (const [longitude, latitude] of this.points ? readPoints(this.text.value) : []) {
      for (const turn of [-360, 0, 360]) {
        shape("circle", { class: "point", cx: longitude + turn, cy: -latitude, r: width / 110 }, layer);
      }
    }
    for (const [longitude, latitude] of this.corners) {
      shape("circle", { class: "corner", cx: longitude, cy: -latitude, r: width / 120 }, layer);
    }
    if (this.cross) {
      const [x, y, size] = [this.cross[0], -this.cross[1], width / 60];
      shape("path", { class: "line", d: `M${x - size} ${y}h${2 * size}M${x} ${y - size}v${2 * size}` }, layer);
    }
  }
}

const path = (ring) => ring.map(([longitude, latitude]) => `${longitude},${-latitude}`).join(" ");

function outlines(value) {
  switch (value?.type) {
    case "FeatureCollection": return value.features.flatMap(outlines);
    case "Feature": return outlines(value.geometry);
    case "GeometryCollection": return value.geometries.flatMap(outlines);
    case "Polygon": return value.coordinates;
    case "MultiPolygon": return value.coordinates.flat();
    default: return [];
  }
}

customElements.define("gaia-draw", Draw);
