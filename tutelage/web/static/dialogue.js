// Playing both sides: the person's message is written, the assistant's is taken from suggestions,
// edited from one or written. The hidden field holds everything, what is half written too.

import { during, keys, make, say, send } from "./common.js";
import { changed, checkWith, form } from "./task.js";

const field = document.getElementById("dialogue");
const turns = document.getElementById("turns");
const asks = document.getElementById("asks");
const replies = document.getElementById("replies");
const editing = document.getElementById("editing");
const thinking = document.getElementById("thinking");
const list = document.getElementById("suggestions");
const others = document.getElementById("others");
const back = document.getElementById("back");
const wanted = Number(turns.dataset.suggestions);
const MOST = 9; // suggestions kept for one reply

let state = { messages: [], suggested: [], asks: "", typing: null, base: null, offered: null };
try { state = { ...state, ...JSON.parse(field.value) }; } catch { /* a new dialogue */ }

function keep() { field.value = JSON.stringify(state); changed(); }

const isReply = () => state.messages.at(-1)?.role === "user";

function show() {
  turns.replaceChildren(...state.messages.map((message) => make("div", { class: `turn of-${message.role}` },
    make("div", { class: "role" }, message.role === "user" ? "Person" : "Assistant"),
    make("div", { class: "said-text plain" }, message.content))));
  document.getElementById("person-turn").hidden = isReply();
  document.getElementById("assistant-turn").hidden = !isReply();
  back.hidden = !state.messages.length;
  asks.value = state.asks;
  editing.hidden = state.typing === null;
  replies.value = state.typing ?? "";
  document.getElementById("editing-title").textContent = state.base === null ? "Your reply" : `Suggestion ${state.base + 1}, edited`;
  document.getElementById("own").hidden = !isReply() || !editing.hidden;
  others.hidden = !wanted || !state.offered?.length || state.offered.length >= MOST;
  list.replaceChildren(...(state.offered ?? []).map((text, number) => make("li", { class: "card suggestion", "data-number": number },
    make("div", { class: "said-text plain" }, text || "(an empty reply)"),
    make("div", { class: "row" },
      make("button", { type: "button", onclick: () => take(number), "aria-label": `Use suggestion ${number + 1}` }, "Use it ", make("kbd", {}, String(number + 1))),
      make("button", { type: "button", onclick: () => edit(number), "aria-label": `Edit suggestion ${number + 1}` }, "Edit ", make("kbd", {}, "E"))))));
}

function ask() {
  const text = asks.value.trim();
  if (!text) { say("Write what the person says first.", true); asks.focus(); return; }
  say("");
  state.messages.push({ role: "user", content: text });
  Object.assign(state, { asks: "", typing: wanted ? null : "", base: null, offered: null });
  keep();
  show();
  if (wanted) propose(); else replies.focus();
}

async function propose() {
  const at = state.messages.length;
  thinking.textContent = "Asking the model …";
  list.setAttribute("aria-busy", "true");
  const answer = await during(others, () => send(`/label/task/${form.dataset.assignment}/suggestions`, { messages: state.messages }));
  thinking.textContent = "";
  list.removeAttribute("aria-busy");
  if (state.messages.length !== at) return; // they went on without it
  state.offered = [...new Set([...(state.offered ?? []), ...(answer?.suggestions ?? [])])].slice(0, MOST);
  if (!state.offered.length) {
    thinking.textContent = "There are no suggestions; write the reply yourself.";
    state.typing ??= "";
  }
  keep();
  show();
  if (state.typing !== null) replies.focus(); else list.querySelector("button")?.focus();
}

function reply(text, chosen, edited) {
  if (state.offered?.length) {
    state.suggested.push({ at: state.messages.length, suggestions: state.offered, chosen, edited });
  }
  state.messages.push({ role: "assistant", content: text });
  Object.assign(state, { typing: null, base: null, offered: null });
  say("");
  keep();
  show();
  document.getElementById("work").scrollTo?.({ top: 1e6 });
  asks.focus();
}

function take(number) {
  const text = state.offered?.[number];
  if (!isReply() || text === undefined) return;
  if (text.trim()) reply(text, number, null);
  else say("An empty reply cannot be sent; edit it.", true);
}

function edit(number) {
  Object.assign(state, { typing: number === null ? "" : state.offered[number], base: number });
  keep();
  show();
  replies.focus();
}

function use() {
  const text = replies.value.trim();
  if (!text) { say("Write the reply first.", true); replies.focus(); return; }
  if (state.base !== null && text === state.offered[state.base].trim()) take(state.base);
  else reply(text, state.base, state.base === null ? null : text);
}

function takeBack() {
  const last = state.messages.pop();
  if (!last) return;
  const entry = state.suggested.find((one) => one.at === state.messages.length);
  state.suggested = state.suggested.filter((one) => one !== entry);
  if (last.role === "user") Object.assign(state, { asks: last.content, typing: null, base: null, offered: null });
  else Object.assign(state, { typing: last.content, base: entry?.chosen ?? null, offered: entry?.suggestions ?? null });
  keep();
  show();
  (last.role === "user" ? asks : replies).focus();
}

asks.addEventListener("input", () => { state.asks = asks.value; keep(); });
replies.addEventListener("input", () => { state.typing = replies.value; keep(); });
const onCtrlEnter = (act) => (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); act(); }
};
asks.addEventListener("keydown", onCtrlEnter(ask));
replies.addEventListener("keydown", onCtrlEnter(use));
document.getElementById("ask").addEventListener("click", ask);
document.getElementById("reply").addEventListener("click", use);
document.getElementById("own").addEventListener("click", () => edit(null));
others.addEventListener("click", propose);
back.addEventListener("click", takeBack);

const write = (event) => {
  if (!isReply()) { asks.focus(); return; }
  const number = event.target.closest?.("[data-number]")?.dataset.number;
  edit(number === undefined ? null : Number(number));
};
const table = { e: write, E: write, r: () => others.hidden || propose(), R: () => others.hidden || propose(), Backspace: takeBack };
for (let number = 1; number <= MOST; number++) table[number] = () => take(number - 1);
keys(table);

checkWith(() => {
  if (!state.messages.length) return "The dialogue is empty: write what the person asks, then the reply.";
  if (isReply()) return "The assistant has the last word: choose or write its reply, or take the last message back.";
  return asks.value.trim() ? "There is a message that is not sent yet: go on to its reply, or clear it." : "";
});
show();
if (isReply() && wanted && state.offered === null && state.typing === null) propose();
