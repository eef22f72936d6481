// A plain map of the earth in SVG, longitude and latitude as they are: no tiles, nothing from elsewhere.
// It can be moved and zoomed; what is drawn on it belongs to whoever uses it.

const SVG = "http://www.w3.org/2000/svg";
const WIDEST = 360;
const NARROWEST = 4;
const STEPS_DEG = [1, 2, 5, 10, 15, 30];

export const norm = (longitude) => ((((longitude + 180) % 360) + 360) % 360) - 180;
export const round = (value, digits = 2) => Number(value.toFixed(digits));
export const clamp = (value, least, most) => Math.min(Math.max(value, least), most);

export function shape(name, attributes = {}, parent = null) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent?.append(element);
  return element;
}

export class Earth {
  /** @param {HTMLElement} host - element that the map is put into; its `data-words` and `data-land` are read. */
  constructor(host, before) {
    this.host = host;
    this.words = JSON.parse(host.dataset.words);
    this.west = -180;
    this.north = 90;
    this.width = WIDEST;
    this.frame = document.createElement("div");
    this.frame.className = "earth-frame";
    this.svg = shape("svg", { class: "earth", tabindex: "0", role: "application", "aria-label": this.words.map });
    const id = `${host.closest(".field")?.id ?? "map"}-keys`;
    this.svg.setAttribute("aria-describedby", id);
    for (const turn of [-360, 0, 360]) {
      shape("image", { href: host.dataset.land, x: -180 + turn, y: -90, width: 360, height: 180 }, this.svg);
    }
    this.grid = shape("path", { class: "grid" }, this.svg);
    this.layer = shape("g", {}, this.svg);
    this.frame.append(this.svg, this.tools());
    const keys = document.createElement("p");
    keys.id = id;
    keys.className = "hint";
    keys.textContent = this.words.keys;
    before.before(this.frame, keys);
    this.show();
  }

  tools() {
    const bar = document.createElement("div");
    bar.className = "earth-tools";
    const add = (sign, word, act) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "plain";
      button.textContent = sign;
      button.title = word;
      button.setAttribute("aria-label", word);
      button.addEventListener("click", act);
      bar.append(button);
      return button;
    };
    add("+", this.words.in, () => this.zoom(0.5));
    add("−", this.words.out, () => this.zoom(2));
    add("‹", this.words.west, () => this.move(-0.25));
    add("›", this.words.east, () => this.move(0.25));
    this.fitButton = add("⤢", this.words.fit, () => this.host.fit());
    this.add = add;
    return bar;
  }

  get height() {
    return this.width / 2;
  }

  show() {
    this.width = clamp(this.width, NARROWEST, WIDEST);
    this.north = clamp(this.north, -90 + this.height, 90);
    if (this.west < -360) this.west += 360;
    if (this.west + this.width > 540) this.west -= 360;
    this.svg.setAttribute("viewBox", `${this.west} ${-this.north} ${this.width} ${this.height}`);
    this.grid.setAttribute("d", this.lines());
    if (this.host.earth === this) this.host.draw();
  }

  /** Meridians and parallels, about a dozen across the map. */
  lines() {
    const step = STEPS_DEG.find((each) => this.width / each <= 14) ?? 30;
    const [west, south] = [this.west, this.north - this.height].map((edge) => Math.ceil(edge / step) * step);
    let path = "";
    for (let longitude = west; longitude < this.west + this.width; longitude += step) path += `M${longitude} -90V90`;
    for (let latitude = south; latitude < this.north; latitude += step) path += `M-540 ${-latitude}H540`;
    return path;
  }

  zoom(factor, longitude = this.west + this.width / 2, latitude = this.north - this.height / 2) {
    const before = this.width;
    this.width = clamp(this.width * factor, NARROWEST, WIDEST);
    const change = this.width / before;
    this.west = longitude - (longitude - this.west) * change;
    this.north = latitude + (this.north - latitude) * change;
    this.show();
  }

  move(share) {
    this.west += this.width * share;
    this.show();
  }

  /** Show a box with some room around it. */
  fit(west, south, east, north) {
    const wide = Math.max((east - west) * 1.3, (north - south) * 2.6, NARROWEST);
    this.width = Math.min(wide, WIDEST);
    this.west = this.width >= WIDEST ? -180 : (west + east) / 2 - this.width / 2;
    this.north = (south + north) / 2 + this.height / 2;
    this.show();
  }

  /** Where on the earth a pointer is: longitudes may run over the edge of the map. */
  at(event) {
    const area = this.svg.getBoundingClientRect();
    return {
      longitude: this.west + ((event.clientX - area.left) / area.width) * this.width,
      latitude: clamp(this.north - ((event.clientY - area.top) / area.height) * this.height, -90, 90),
    };
  }

  /** Draw a box; where it crosses the edge of the map its other half is seen on the other side. */
  box(className, west, south, east, north) {
    for (const turn of [-360, 0, 360]) {
      shape("rect", {
        class: className, x: west + turn, y: -north, width: Math.max(east - west, 0.01), height: Math.max(north - south, 0.01),
      }, this.layer);
    }
  }
}
