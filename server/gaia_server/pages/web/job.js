// A job's page: follows the job by server-sent events until it ends, and offers to copy what can be typed.

const LOG_PAUSE_MS = 2000;
const AGAIN_MS = 5000;
const LINES = 12;

const one = (name, within = document) => within.querySelector(`[${name}]`);

function show(live, status) {
  const states = JSON.parse(live.dataset.states);
  const tags = JSON.parse(live.dataset.tags);
  const state = one("data-state", live);
  state.textContent = states[status.status] ?? status.status;
  state.className = `tag ${tags[status.status] ?? ""}`;
  const message = one("data-message", live);
  if (message.textContent !== (status.message ?? "")) message.textContent = status.message ?? "";
  one("data-progress", live).value = status.progress;
  one("data-percent", live).textContent = `${status.progress} %`;
  for (const each of live.querySelectorAll("[data-waits]")) each.hidden = status.status !== "accepted";
  const reason = one("data-reason", live);
  if (reason && status["gaia:reason"]) reason.textContent = status["gaia:reason"];
}

function renderLine(line, levels) {
  const item = document.createElement("li");
  item.className = line.level;
  const time = document.createElement("time");
  time.dateTime = line.time;
  time.textContent = line.time.replace("T", " ").replace("Z", " UTC");
  const level = document.createElement("b");
  level.textContent = levels[line.level] ?? line.level;
  const words = document.createElement("span");
  words.textContent = line.message;
  item.append(time, " ", level, " ", words);
  return item;
}

async function refreshLog(live) {
  const answer = await fetch(live.dataset.logUrl, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const { log } = await answer.json();
  const list = one("data-log");
  list.replaceChildren(...log.slice(-LINES).map((line) => renderLine(line, JSON.parse(live.dataset.levels))));
  one("data-log-section").hidden = log.length === 0;
}

function follow(live) {
  const lost = one("data-lost", live);
  let events = null;
  let again = 0;
  let logWaits = false;

  function hear(event) {
    const status = JSON.parse(event.data);
    lost.hidden = true;
    show(live, status);
    if (["successful", "failed", "dismissed"].includes(status.status)) {
      events.close();
      location.reload(); // the page of an ended job shows its results
      return;
    }
    if (logWaits) return;
    logWaits = true;
    setTimeout(() => {
      logWaits = false;
      refreshLog(live).catch(() => {}); // it is tried again with the next event
    }, LOG_PAUSE_MS);
  }

  function open() {
    clearTimeout(again);
    events?.close();
    events = new EventSource(live.dataset.events);
    events.addEventListener("message", hear);
    events.addEventListener("error", () => {
      if (events.readyState !== EventSource.CLOSED) return; // the browser connects again by itself
      lost.hidden = false;
      again = setTimeout(open, AGAIN_MS);
    });
  }

  // A browser opens only a few connections to one server: a page that nobody sees leaves its own to others.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) {
      open();
      return;
    }
    clearTimeout(again);
    events.close();
  });
  open();
}

// The clock of the visitor may be wrong: it is only asked how long this page has been open.
function tick(since, shown) {
  const already = (Date.parse(shown) - Date.parse(since.dataset.since)) / 1000;
  setInterval(() => {
    const seconds = Math.max(Math.round(already + performance.now() / 1000), 0);
    const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
    const parts = [hours && `${hours} h`, (hours || minutes) && `${minutes} min`, !hours && `${seconds % 60} s`];
    since.textContent = parts.filter(Boolean).join(" ");
  }, 1000);
}

function offerCopy(pre, words) {
  const frame = document.createElement("div");
  frame.className = "copied";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "plain";
  button.textContent = words.copy;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(pre.textContent);
    button.textContent = words.copied;
    setTimeout(() => { button.textContent = words.copy; }, 2000);
  });
  pre.replaceWith(frame);
  frame.append(pre, button);
}

const live = one("data-events");
if (live) follow(live);
const since = one("data-since");
if (since) tick(since, live.dataset.now);
const words = JSON.parse(one("data-words").dataset.words);
if (navigator.clipboard) document.querySelectorAll("pre[data-copy]").forEach((pre) => offerCopy(pre, words));
