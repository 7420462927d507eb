// What every task does: keep the draft, show the lease, submit, skip, take back, tell effects.

import { keys, say, send } from "./common.js";

export const form = document.getElementById("task");
const assignment = form.dataset.assignment;
const place = `draft of task ${assignment}`; // there only while the server does not have it
const kept = document.getElementById("kept");
const lease = document.getElementById("lease");
const OURS = ["csrf", "guidelines", "kind", "topic"];
const PAUSE_MS = 700; // after the last change until the draft is sent
const RETRY_MS = 4000;
const PATIENCE_MS = 15000; // until a draft or label that got no answer is sent again
const BEAT_MS = 20000; // the server counts gaps up to a minute as work

/** The form as it stands: {name: [texts]}. */
function fields() {
  const found = {};
  for (const [name, value] of new FormData(form)) {
    if (!OURS.includes(name)) (found[name] ??= []).push(value);
  }
  return found;
}

function fill(found) {
  for (const field of form.elements) {
    if (!field.name || OURS.includes(field.name)) continue;
    const values = found[field.name] ?? [];
    if (field.type === "checkbox" || field.type === "radio") field.checked = values.includes(field.value);
    else field.value = values[0] ?? "";
  }
}

// Drafts: at once in this browser, soon on the server; here no longer than it is not there.

let timer = null;
let sending = false;
let ended = false; // submitted, skipped or no longer ours

export function changed() {
  if (ended) return;
  worked();
  try { localStorage.setItem(place, JSON.stringify(fields())); } catch { /* no room here: the server keeps it */ }
  note(navigator.onLine ? "Saving …" : OFFLINE);
  clearTimeout(timer);
  timer = setTimeout(sendDraft, PAUSE_MS);
}

/** What is sent, given up after a while: a connection that is lost may stay silent for minutes. */
async function patiently(go) {
  const late = new AbortController();
  const patience = setTimeout(() => late.abort(), PATIENCE_MS);
  try { return await go(late.signal); } finally { clearTimeout(patience); }
}

const OFFLINE = "Not connected: kept in this browser, sent when the connection is back.";

async function sendDraft() {
  if (sending || ended) return;
  const text = localStorage.getItem(place) ?? JSON.stringify(fields());
  sending = true;
  try {
    const body = { fields: JSON.parse(text) };
    heard(await patiently((signal) => send(`/label/task/${assignment}/draft`, body, "POST", signal)));
    if (localStorage.getItem(place) === text) localStorage.removeItem(place);
    note(`Saved at ${new Date().toLocaleTimeString()}.`);
  } catch (error) {
    failed(error, sendDraft);
  } finally {
    sending = false;
  }
  const newer = localStorage.getItem(place) ?? text; // what was written meanwhile
  if (!ended && newer !== text && retry === null) timer = setTimeout(sendDraft, PAUSE_MS);
}

let retry = null;
const PASSING = [undefined, 429, 503]; // no connection, too much at once, a busy database

/** What passes is tried again later. Anything else is said, and what was typed stays here until the
    next change. */
function failed(error, again) {
  note(error.status === undefined ? OFFLINE : "Not saved on the server; kept in this browser.");
  if (error.status !== undefined) say(error.message, true);
  if (PASSING.includes(error.status)) retry ??= setTimeout(() => { retry = null; again(); }, RETRY_MS);
  else if (error.status === 409) end();
}

function note(text) { if (kept.textContent !== text) kept.textContent = text; }

function end() { ended = true; clearTimeout(timer); clearTimeout(retry); }

const left = localStorage.getItem(place);
if (left) {
  try { fill(JSON.parse(left)); } catch { /* not ours */ }
  note("What you wrote before is back.");
  timer = setTimeout(sendDraft, PAUSE_MS);
}
form.addEventListener("input", changed);
addEventListener("online", () => { clearTimeout(retry); retry = null; if (localStorage.getItem(place) !== null) sendDraft(); });
addEventListener("offline", () => note(OFFLINE));
addEventListener("pagehide", () => { if (!ended && localStorage.getItem(place) !== null) sendDraft(); });

// The lease: as long again at every sign of life.

let until = performance.now() + 1000 * Number(lease.dataset.left);
let lastWork = performance.now();
let lastBeat = performance.now();

function worked() { lastWork = performance.now(); }

function heard(answer) {
  lastBeat = performance.now();
  until = lastBeat + 1000 * answer.left_s;
  countDown();
}

function countDown() {
  const seconds = Math.max(0, Math.round((until - performance.now()) / 1000));
  const minutes = Math.floor(seconds / 60);
  const time = seconds >= 120 ? `${minutes} min` : `${seconds} s`;
  const text = seconds ? `Yours for ${time}` : "Your time has run out; go on, and it is yours again if nobody has taken it.";
  if (lease.textContent !== text) lease.textContent = text;
  lease.classList.toggle("bad", seconds < 120);
}

async function beat() {
  // A label that is on its way may be there already, and its task no longer ours.
  if (ended || button.disabled || document.hidden || lastWork < lastBeat) return;
  try { heard(await send(`/label/task/${assignment}/beat`, {})); } catch (error) {
    if (error.status === 409) { say(error.message, true); end(); }
  }
}

for (const kind of ["pointermove", "keydown", "scroll", "touchstart"]) addEventListener(kind, worked, { passive: true });
setInterval(countDown, 1000);
setInterval(beat, BEAT_MS);

// Submit, skip, take back.

const button = document.getElementById("submit");
let check = () => "";

/** A page's own check before a submit: a sentence of what is missing, or nothing. */
export function checkWith(own) { check = own; }

export async function submit() {
  if (button.disabled) return;
  const missing = check();
  if (missing) { say(missing, true); return; }
  say("");
  button.disabled = true;
  await post(form);
  if (!ended) button.disabled = false;
}

/** Send a form as a script does; without a connection, again until it is back. */
async function post(sent) {
  let response;
  try {
    const go = (signal) => fetch(sent.action, {
      method: "POST",
      signal,
      headers: { accept: "application/json" },
      body: new URLSearchParams(new FormData(sent)),
    });
    // A label counts once however often it is sent; taking one back twice would take two back.
    response = await (sent === form ? patiently(go) : go());
  } catch {
    say("Not connected: this is kept here and sent as soon as the connection is back.", true);
    await new Promise((resolve) => { setTimeout(resolve, RETRY_MS); addEventListener("online", resolve, { once: true }); });
    return post(sent);
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) { say(answer.error ?? `The server answered ${response.status}.`, true); return null; }
  end();
  localStorage.removeItem(place);
  location.assign(answer.next);
  return answer;
}

form.addEventListener("submit", (event) => { event.preventDefault(); submit(); });
const undo = document.getElementById("undo");
undo.addEventListener("submit", (event) => { event.preventDefault(); leave(undo); });
const skip = document.getElementById("skip");
skip.querySelector("form").addEventListener("submit", (event) => { event.preventDefault(); leave(skip.querySelector("form")); });

/** Another page: what is written here is kept on the server first, where it can be. */
async function leave(sent) {
  if (localStorage.getItem(place) !== null) await sendDraft();
  await post(sent);
}

function openSkip() { skip.open = true; skip.querySelector("input[type=radio]").focus(); }

form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.defaultPrevented) { event.preventDefault(); submit(); }
  // Enter in a one-line field would send the form from anywhere; only the button and its key do.
  else if (event.key === "Enter" && event.target.matches("input")) event.preventDefault();
});
// A tick or a radio that has the focus must not swallow the page's keys.
form.addEventListener("keydown", (event) => {
  if (!event.target.matches("[type=radio], [type=checkbox]") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === " " || event.key === "Tab" || event.key.startsWith("Arrow")) return;
  const again = new KeyboardEvent("keydown", { key: event.key, shiftKey: event.shiftKey, bubbles: true, cancelable: true });
  if (!document.body.dispatchEvent(again)) event.preventDefault();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.matches("input, textarea")) event.target.blur();
});
keys({
  Enter: submit,
  s: openSkip, S: openSkip,
  u: takeBack, U: takeBack,
  e: writeFirst, E: writeFirst,
});

function takeBack() { if (undo.hidden) say("There is no label of yours to take back.", true); else undo.requestSubmit(); }
function writeFirst() { document.querySelector("[data-first]")?.focus(); }

// As it was written, not as markdown.

const raw = document.getElementById("as-written");
if (raw) {
  for (const tool of document.querySelectorAll(".tools")) tool.hidden = false;
  const toggle = () => {
    const pressed = raw.getAttribute("aria-pressed") !== "true";
    raw.setAttribute("aria-pressed", String(pressed));
    for (const part of document.querySelectorAll(".reply-text")) {
      part.querySelector(".as-shown").hidden = pressed;
      part.querySelector(".as-written").hidden = !pressed;
    }
    raw.dispatchEvent(new Event("toggled"));
  };
  raw.addEventListener("click", toggle);
  keys({ v: toggle, V: toggle });
}

// More pairs of a few-shot demonstration.

const more = document.getElementById("more");
if (more) {
  const spare = [...document.querySelectorAll("[data-more]")].filter((pair) => ![...pair.querySelectorAll("textarea")].some((field) => field.value));
  for (const pair of spare) pair.hidden = true;
  more.hidden = !spare.length;
  more.addEventListener("click", () => {
    const pair = spare.shift();
    pair.hidden = false;
    pair.querySelector("textarea").focus();
    more.hidden = !spare.length;
  });
}

// What the last labels did for the model.

const effect = document.getElementById("effect");
const EFFECT_MS = 4000;

async function tellEffects() {
  if (document.hidden) return;
  try {
    const answer = await send(`/label/effects?since=${effect.dataset.since}`, undefined, "GET");
    effect.dataset.since = answer.since;
    if (answer.effects.length) effect.textContent = `✓ ${answer.effects[0].sentence}`;
  } catch { /* it is asked again */ }
}
setInterval(tellEffects, EFFECT_MS);
