// <gaia-upload>: a file of one's own, sent while the form is filled in; what it is called here goes into the form's field.
// Without scripts there is a link to the page of uploads in its place.

const fill = (text, name) => text.replace("%(name)s", name);

class Upload extends HTMLElement {
  connectedCallback() {
    if (this.state) return;
    this.words = JSON.parse(this.dataset.words);
    const label = document.createElement("label");
    label.className = "opener";
    const words = document.createElement("span");
    words.textContent = this.words.file;
    this.file = document.createElement("input");
    this.file.type = "file"; // without a name: the form itself does not send it
    this.file.addEventListener("change", () => this.send());
    this.state = document.createElement("p");
    this.state.className = "remark";
    this.state.setAttribute("role", "status");
    label.append(words, this.file);
    this.replaceChildren(label, this.state);
  }

  async send() {
    const [file] = this.file.files;
    if (!file) return;
    this.state.textContent = fill(this.words.sending, file.name);
    this.file.disabled = true;
    try {
      const body = new FormData();
      body.append("file", file);
      const answer = await fetch(this.dataset.url, { method: "POST", body, headers: { Accept: "application/json" } });
      const told = await answer.json();
      if (!answer.ok) throw new TypeError(told.detail);
      this.choose(told.id, file.name);
      this.state.textContent = fill(this.words.done, file.name);
    } catch (error) {
      const why = error instanceof TypeError ? error.message : "";
      this.state.textContent = [this.words.failed, why].filter(Boolean).join(" ");
    } finally {
      this.file.disabled = false;
    }
  }

  /** Put the upload into the field; a list to choose from gets it as one more choice. */
  choose(id, name) {
    const control = document.getElementById(this.dataset.for);
    if (control instanceof HTMLSelectElement) control.add(new Option(name, id));
    control.value = id;
    control.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

customElements.define("gaia-upload", Upload);
