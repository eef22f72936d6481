// <gaia-upload>: a file of one's own, sent while the form is filled in; what it is called here goes into the form's field.
// Without scripts there is a link to the page of uploads in its place.

const fill = (text, name) => text.replace("%(name)s", name);

function make(name, attributes = {}, ...children) {
  const element = Object.assign(document.createElement(name), attributes);
  element.append(...children);
  return element;
}

class Upload extends HTMLElement {
  connectedCallback() {
    if (this.state) return;
    this.words = JSON.parse(this.dataset.words);
    this.file = make("input", { type: "file" }); // without a name: the form itself does not send it
    this.file.addEventListener("change", () => this.begin());
    this.bar = make("progress", { max: 1, value: 0 });
    this.bar.setAttribute("aria-label", this.words.sending.replace("%(name)s", "").trim());
    this.stop = make("button", { type: "button", className: "plain", textContent: this.words.stop });
    this.stop.addEventListener("click", () => this.sending?.abort());
    this.going = make("div", { className: "going", hidden: true }, this.bar, this.stop);
    this.state = make("p", { className: "remark" });
    this.state.setAttribute("role", "status");
    this.replaceChildren(
      make("label", { className: "opener" }, make("span", { textContent: this.words.file }), this.file),
      this.going,
      this.state,
    );
  }

  begin() {
    const [file] = this.file.files;
    if (!file) return;
    this.bar.value = 0;
    this.going.hidden = false;
    this.file.disabled = true;
    this.say(fill(this.words.sending, file.name));
    this.send(file)
      .then((told) => {
        this.choose(told.id, file.name);
        this.say(fill(this.words.done, file.name));
      })
      .catch((error) => this.say(error.message, true))
      .finally(() => this.end());
  }

  end() {
    const focused = this.contains(document.activeElement) || document.activeElement === document.body;
    this.sending = null;
    this.going.hidden = true;
    this.file.disabled = false;
    if (focused) this.file.focus();
  }

  say(text, wrong = false) {
    this.state.textContent = text;
    this.state.classList.toggle("failed", wrong);
  }

  /** Send a file; of the browser's ways only this one tells how far it is. */
  send(file) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      this.sending = request;
      const fail = (why) => reject(new Error([this.words.failed, why].filter(Boolean).join(" ")));
      request.upload.addEventListener("progress", (event) => {
        if (event.lengthComputable) this.bar.value = event.loaded / event.total;
      });
      request.addEventListener("abort", () => reject(new Error(this.words.stopped)));
      request.addEventListener("error", () => fail(this.words.away));
      request.addEventListener("load", () => {
        const told = read(request.responseText);
        if (request.status < 300 && told.id) resolve(told);
        else fail(told.detail ?? this.words.away);
      });
      request.open("POST", this.dataset.url);
      request.setRequestHeader("Accept", "application/json");
      const body = new FormData();
      body.append("file", file);
      request.send(body);
    });
  }

  /** Put the upload into the field; a list to choose from gets it as one more choice. */
  choose(id, name) {
    const control = document.getElementById(this.dataset.for);
    if (control instanceof HTMLSelectElement) control.add(new Option(name, id));
    control.value = id;
    control.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {}; // something between here and the service answered in its place
  }
}

customElements.define("gaia-upload", Upload);
