// The form of a process: whatever is filled in stands in the address bar, and the parts of the page that depend on it
// (`data-live`) are renewed from the server, which alone knows what goes together.

import { reveal } from "./beside.js";
import "./box.js";
import "./dates.js";
import "./draw.js";
import "./upload.js";

const LONGEST_ADDRESS = 3000; // characters; servers refuse much longer ones
const PATIENCE_MS = 300;

const form = document.querySelector("#form");
const state = document.querySelector("#state");
let waiting = 0;
let asking = null;

/** Everything that is filled in, as it would stand in an address; what is empty is left out. */
function filled() {
  const entries = [...new FormData(form)].filter(([, value]) => typeof value === "string" && value.trim() !== "");
  const outputs = [...form.querySelectorAll('[name="gaia.outputs"]')];
  const all = outputs.every((box) => box.checked);
  return new URLSearchParams(entries.filter(([name]) => !(all && name === "gaia.outputs")));
}

/** The address of this page with what is filled in; the language and the form of the page stay as they are. */
function address(values) {
  const now = new URLSearchParams(location.search);
  const kept = ["lang", "f"].filter((name) => now.has(name)).map((name) => [name, now.get(name)]);
  const query = new URLSearchParams([...kept, ...values]).toString();
  return new URL(form.dataset.page, location.href).pathname + (query ? `?${query}` : "");
}

function remember(values) {
  const full = address(values);
  const kept = full.length <= LONGEST_ADDRESS ? full : address([...values].filter(([, value]) => value.length < 300));
  history.replaceState(null, "", kept);
  document.querySelector("#share").href = kept;
  for (const link of document.querySelectorAll(".languages a")) {
    const other = new URL(link.href, location.href);
    const query = new URLSearchParams(new URL(kept, location.href).search);
    query.set("lang", link.hreflang);
    other.search = query.toString();
    link.href = other.href;
  }
}

/** Put the renewed parts in place, but leave alone what somebody is busy with. */
function renew(page) {
  for (const fresh of page.querySelectorAll("[data-live]")) {
    const old = document.getElementById(fresh.id);
    if (!old || old.isEqualNode(fresh)) continue;
    const busy = old.contains(document.activeElement) ? document.activeElement : null;
    if (busy && busy.matches("input:not([type=checkbox]), textarea, select")) continue;
    const again = busy && focusPath(old, busy);
    const open = [...old.querySelectorAll("details")].map((each) => each.open);
    old.replaceWith(document.importNode(fresh, true));
    const now = document.getElementById(fresh.id);
    now.querySelectorAll("details").forEach((each, place) => { if (place in open) each.open = open[place]; });
    if (again) again(now);
    now.dispatchEvent(new CustomEvent("gaia:renewed", { bubbles: true }));
  }
  for (const wrong of document.querySelectorAll("ul.wrong")) {
    const name = wrong.id.replace(/-wrong$/, "");
    for (const control of document.querySelectorAll(`[aria-describedby~="${CSS.escape(wrong.id)}"]`)) {
      if (wrong.children.length) control.setAttribute("aria-invalid", "true");
      else control.removeAttribute("aria-invalid");
    }
    document.getElementById(`field-${name}`)?.classList.toggle("is-wrong", wrong.children.length > 0);
  }
  reveal(form);
}

function focusPath(container, element) {
  const same = [...container.querySelectorAll(element.tagName)].indexOf(element);
  return (now) => now.querySelectorAll(element.tagName)[same]?.focus();
}

async function look() {
  asking?.abort();
  asking = new AbortController();
  const values = filled();
  remember(values);
  values.set("gaia.run", "look");
  try {
    const answer = await fetch(form.action, {
      method: "POST", body: values, headers: { Accept: "text/html" }, signal: asking.signal,
    });
    if (!answer.ok) throw new TypeError(answer.statusText);
    renew(new DOMParser().parseFromString(await answer.text(), "text/html"));
    if (state.textContent === state.dataset.words) state.textContent = "";
  } catch (error) {
    if (error.name !== "AbortError") state.textContent = state.dataset.words; // what is filled in is not lost
  }
}

function soon() {
  clearTimeout(waiting);
  waiting = setTimeout(look, PATIENCE_MS);
}

function change() {
  reveal(form);
  soon();
}

form.addEventListener("input", change);
form.addEventListener("change", change);

form.addEventListener("click", (event) => {
  const button = event.target.closest("button.fill");
  if (!button) return;
  const { fill, values, add } = button.dataset;
  const parts = [...form.querySelectorAll(`[name="${CSS.escape(fill)}"], [name^="${CSS.escape(fill)}."]`)];
  if (add !== undefined) {
    const [control] = parts;
    const there = control.value.split(",").map((each) => each.trim()).filter(Boolean);
    control.value = (there.includes(add) ? there.filter((each) => each !== add) : [...there, add]).join(", ");
    control.dispatchEvent(new Event("input", { bubbles: true }));
    return;
  }
  values.split(",").forEach((value, place) => { if (parts[place]) parts[place].value = value; });
  parts[0]?.dispatchEvent(new Event("input", { bubbles: true }));
});

form.addEventListener("submit", (event) => {
  clearTimeout(waiting);
  if (event.submitter?.id === "look") {
    event.preventDefault();
    look();
    return;
  }
  state.textContent = event.submitter?.dataset.words ?? "";
});

document.querySelector("#look").hidden = true;
document.querySelector("ul.wrong li")?.closest(".field")?.scrollIntoView({ block: "center" });
for (const wrong of document.querySelectorAll("ul.wrong li")) wrong.closest(".field").classList.add("is-wrong");
reveal(form);
