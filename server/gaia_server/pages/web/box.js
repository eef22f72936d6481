// <gaia-box>: four numbers and a map on which the same box is drawn, by mouse, finger or keyboard.

import { Earth, clamp, norm, round } from "./earth.js";

const SIDES = ["west", "south", "east", "north"];
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const LEAST_PX = 4; // a smaller movement is a click

class Box extends HTMLElement {
  connectedCallback() {
    if (this.earth) return;
    this.inputs = SIDES.map((side) => this.querySelector(`[data-side="${side}"]`));
    this.earth = new Earth(this, this.firstElementChild);
    this.earth.add("×", this.earth.words.clear, () => this.set(null));
    this.addEventListener("input", () => this.draw());
    document.addEventListener("gaia:renewed", (event) => {
      if (event.target.id === this.dataset.left && this.extent) this.fit();
    });
    this.earth.svg.addEventListener("pointerdown", (event) => this.begin(event));
    this.earth.svg.addEventListener("keydown", (event) => this.key(event));
    if (this.extent || this.value) this.fit();
    this.draw();
  }

  /** Where the data lie, as the server says; null where it does not know. */
  get extent() {
    const text = document.getElementById(this.dataset.left)?.dataset.extent;
    return text ? text.split(",").map(Number) : null;
  }

  /** The box in the four fields, its east never west of its west; null while it is not whole. */
  get value() {
    const numbers = this.inputs.map((input) => (input.value.trim() === "" ? NaN : Number(input.value.replace("−", "-"))));
    if (numbers.some(Number.isNaN)) return null;
    const [west, south, east, north] = numbers;
    return [west, south, east < west ? east + 360 : east, north];
  }

  set(box) {
    const digits = this.earth.width > 90 ? 1 : this.earth.width > 20 ? 2 : 3;
    this.inputs.forEach((input, place) => {
      input.value = box ? String(round(place % 2 ? box[place] : place === 2 && box[2] - box[0] >= 360 ? 180 : norm(box[place]), digits)) : "";
    });
    if (box && box[2] - box[0] >= 360) this.inputs[0].value = "-180";
    this.inputs[0].dispatchEvent(new Event("input", { bubbles: true }));
  }

  fit() {
    const [west, south, east, north] = this.value ?? this.extent ?? [-180, -90, 180, 90];
    this.earth.fit(west, south, east < west ? east + 360 : east, north);
  }

  draw() {
    const layer = this.earth.layer;
    layer.replaceChildren();
    if (this.extent) {
      const [west, south, east, north] = this.extent;
      this.earth.box("extent", west, south, east < west ? east + 360 : east, north);
    }
    if (this.value) this.earth.box("box", ...this.value);
  }

  begin(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    this.earth.svg.focus({ preventScroll: true });
    const start = this.earth.at(event);
    const from = [event.clientX, event.clientY];
    this.earth.svg.setPointerCapture(event.pointerId);
    const move = (now) => {
      if (Math.hypot(now.clientX - from[0], now.clientY - from[1]) < LEAST_PX) return;
      const end = this.earth.at(now);
      this.set([
        Math.min(start.longitude, end.longitude), Math.min(start.latitude, end.latitude),
        Math.max(start.longitude, end.longitude), Math.max(start.latitude, end.latitude),
      ]);
    };
    const end = () => {
      this.earth.svg.removeEventListener("pointermove", move);
      this.earth.svg.removeEventListener("pointerup", end);
      this.earth.svg.removeEventListener("pointercancel", end);
    };
    this.earth.svg.addEventListener("pointermove", move);
    this.earth.svg.addEventListener("pointerup", end);
    this.earth.svg.addEventListener("pointercancel", end);
  }

  key(event) {
    if (event.key === "+" || event.key === "-") {
      event.preventDefault();
      this.earth.zoom(event.key === "+" ? 0.5 : 2);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      this.set(null);
    } else if (event.key in STEPS) {
      event.preventDefault();
      this.step(...STEPS[event.key], event.shiftKey);
    }
  }

  /** Move the box, or its north-east corner; where there is none yet, begin with one in the middle of the map. */
  step(right, up, resize) {
    const size = this.earth.width / 36;
    const middle = [this.earth.west + this.earth.width / 2, this.earth.north - this.earth.height / 2];
    let [west, south, east, north] = this.value ?? [middle[0] - 4 * size, middle[1] - 2 * size, middle[0] + 4 * size, middle[1] + 2 * size];
    if (this.value) {
      east += right * size;
      north = clamp(north + up * size, -90, 90);
      if (!resize) {
        west += right * size;
        south = clamp(south + up * size, -90, 90);
      }
    }
    if (east > west && north > south) this.set([west, south, east, north]);
  }
}

customElements.define("gaia-box", Box);
