// <gaia-date>: a text field that takes whole and partial dates, and a calendar to choose a day from.
// A field of the browser's own kind would allow neither `1990` nor 30 February, which some calendars of models have.

class Day extends HTMLElement {
  connectedCallback() {
    if (this.picker) return;
    const text = this.querySelector("input");
    this.picker = document.createElement("input");
    this.picker.type = "date";
    this.picker.tabIndex = -1;
    this.picker.setAttribute("aria-hidden", "true");
    this.picker.className = "behind";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "plain";
    const word = `${this.querySelector("span").textContent}: ${JSON.parse(this.dataset.words).pick}`;
    button.setAttribute("aria-label", word);
    button.title = word;
    button.textContent = "▾";
    button.addEventListener("click", () => {
      if (/^\d{4}(-\d\d){0,2}$/.test(text.value)) this.picker.value = (text.value + "-01-01").slice(0, 10);
      this.picker.showPicker?.();
    });
    this.picker.addEventListener("change", () => {
      text.value = this.picker.value;
      text.dispatchEvent(new Event("input", { bubbles: true }));
    });
    this.append(button, this.picker);
  }
}

customElements.define("gaia-date", Day);
