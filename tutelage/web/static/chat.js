// The chat: replies as they are written, and what a person does with them.
import { ask, during, keepDraft, keys, make, newKey, say, send } from "./common.js";

const talk = document.getElementById("talk");
if (talk) start();

function start() {
  const text = document.getElementById("text");
  const stop = document.getElementById("stop");
  const sending = document.getElementById("send");
  const draft = keepDraft(text, `chat ${talk.dataset.chat}`);
  const settings = ["stage", "beside", "temperature", "memory"].map((id) => document.getElementById(id));
  let writing = null; // the key of the reply that is being written

  for (const field of settings) {
    const kept = localStorage.getItem(`chat ${field.id}`);
    if (kept !== null && [...field.options].some((option) => option.value === kept)) field.value = kept;
    field.addEventListener("change", () => localStorage.setItem(`chat ${field.id}`, field.value));
  }
  const [stage, beside, temperature, memory] = settings;

  document.getElementById("say").addEventListener("submit", (event) => { event.preventDefault(); speak(); });
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); speak(); }
  });
  stop.addEventListener("click", halt);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    if (writing) halt();
    else document.activeElement?.blur(); // out of the field, so that single keys act
  });
  talk.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-act]");
    if (button) act(button);
  });
  const press = (selector) => () => {
    const last = [...talk.querySelectorAll(".message.assistant")].at(-1);
    last?.querySelector(selector)?.click();
  };
  keys({
    r: press('[data-act="run"]'), g: press('[data-good="true"]'), b: press('[data-good="false"]'),
    a: press('[data-act="redo"]'), e: press('[data-act="edit"]'),
    1: press('[data-better="0"]'), 2: press('[data-better="1"]'), "=": press('[data-better=""]'),
    y: press('[data-right="true"]'), n: press('[data-right="false"]'), "/": () => text.focus(),
  });
  keep();
  const list = document.querySelector(".history");
  if (window.innerWidth <= 700) list.open = false;

  async function speak() {
    const words = text.value.trim();
    if (!words || writing) return;
    const stages = beside.value && beside.value !== stage.value ? [stage.value, beside.value] : [stage.value];
    const body = {
      conversation: talk.dataset.chat ? Number(talk.dataset.chat) : null, text: words, stages,
      temperature: Number(temperature.value), memory: Number(memory.value), key: newKey(),
    };
    say("");
    document.getElementById("empty").hidden = true;
    // At once, so that a person sees that they were heard; the server's own words replace it.
    const heard = make("article", { class: "message user" }, make("p", { class: "words" }, words));
    talk.append(heard);
    text.value = "";
    const done = await stream("/chat/say", body, stages.map((key) => named(key)), heard);
    if (done) draft.forget();
    else if (!text.value) text.value = words;
    rest(done);
  }

  /** The focus where the next key is wanted: on what is proposed, else where a person types. */
  function rest(done) {
    const last = [...talk.querySelectorAll(".message.assistant")].at(-1);
    const next = done && last?.querySelector('[data-act="run"], [data-act="choose"], [data-act="answer"]');
    (next || text).focus();
    last?.scrollIntoView({ block: "nearest" });
  }

  function named(key) {
    return [...stage.options].find((option) => option.value === key)?.textContent ?? key;
  }

  /** Follow a stream of a reply; true when the server took what was said. */
  async function stream(path, body, names, heard) {
    writing = body.key;
    sending.disabled = true;
    stop.hidden = false;
    let taken = false;
    const live = make("article", { class: "message assistant", "aria-busy": "true" });
    const boxes = names.map((name) => {
      const box = make("div", { class: "said-text live" });
      live.append(make("div", { class: "stage" }, make("h2", {}, name), box));
      return box;
    });
    if (names.length > 1) live.classList.add("pair");
    talk.append(live);
    try {
      const response = await ask(path, body);
      for await (const event of lines(response)) {
        if (event.conversation && !talk.dataset.chat) begun(event.conversation, event.title);
        if (event.said) { taken = true; heard?.replaceWith(...parsed(event.said)); }
        if (event.restart) boxes.at(-1).textContent = "";
        if (event.text) boxes[Math.min(event.at, boxes.length - 1)].append(event.text);
        if (event.message) { put(event.message, live); taken = true; }
        if (event.error) throw new Error(event.error);
        live.scrollIntoView({ block: "nearest" });
      }
    } catch (error) {
      say(error.message, true);
      if (!taken) heard?.remove();
    } finally {
      live.remove();
      writing = null;
      sending.disabled = false;
      stop.hidden = true;
    }
    return taken;
  }

  function halt() { if (writing) send("/chat/stop", { key: writing }).catch((error) => say(error.message, true)); }

  function begun(number, title) {
    talk.dataset.chat = number;
    history.replaceState(null, "", `/chat/${number}`);
    const item = make("li", {}, make("a", { class: "link", href: `/chat/${number}`, "aria-current": "true" }, title));
    document.getElementById("history").prepend(item);
    if (window.innerWidth > 700) list.open = true;
    keep();
  }

  /** The server's HTML of one message, in its place or at the end. */
  function put(html, live = null) {
    const [message] = parsed(html);
    const old = talk.querySelector(`[data-message="${message.dataset.message}"]`);
    if (old) old.replaceWith(message);
    else if (live) live.before(message);
    else talk.append(message);
    return message;
  }

  async function act(button) {
    const message = button.closest("[data-message]");
    const body = { conversation: Number(talk.dataset.chat), message: Number(message.dataset.message), key: newKey() };
    const { act: what, good, better, right } = button.dataset;
    if (what === "edit") return edit(button, message, body);
    if (what === "redo") {
      if (!writing) rest(await stream("/chat/redo", body, ["Another reply"], null));
      return undefined;
    }
    if (what === "thumb") body.good = good === "true";
    if (what === "choose") body.better = better === "" ? null : Number(better);
    if (what === "answer") body.right = right === "true";
    const done = await during(button, () => send(`/chat/${what}`, body));
    if (done) settle(done, message, what);
    return undefined;
  }

  /** Put what came back in the message's place, with the focus where it was. */
  function settle(done, message, what) {
    if (done.after === "gone") {
      while (message.nextElementSibling) message.nextElementSibling.remove();
      message.replaceWith(...parsed(done.message));
    } else put(done.message);
    if (done.files) document.getElementById("files").textContent = done.files.join("\n") || "(no files)";
    const now = [...talk.querySelectorAll(".message.assistant")].at(-1);
    (now?.querySelector(`[data-act="${what}"]`) ?? now?.querySelector("button"))?.focus();
    say({ thumb: "Kept as a label.", choose: "Your choice is kept as a label.", answer: "Your answer is kept as a label.",
      edit: "Your edit is kept as a label.", run: "It ran; the output is under the command." }[what] ?? "");
  }

  function edit(button, message, body) {
    const field = make("textarea", { rows: 4, "aria-label": "The reply as it should be", maxlength: 32000 });
    field.value = button.dataset.text;
    const save = make("button", { class: "main", type: "submit" }, "Save the edit");
    const away = make("button", { type: "button", onclick: () => { form.remove(); button.focus(); } }, "Leave it");
    const form = make("form", { class: "edit" }, field, make("div", { class: "row" }, save, away));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const done = await during(save, () => send("/chat/edit", { ...body, text: field.value }));
      if (done) settle(done, message, "edit");
    });
    message.querySelector("form.edit")?.remove();
    message.append(form);
    field.focus();
  }

  function keep() {
    const number = talk.dataset.chat;
    const place = document.getElementById("keep");
    place.hidden = !number;
    if (!number) return;
    const link = document.getElementById("link");
    const [share, unshare] = [document.getElementById("share"), document.getElementById("unshare")];
    for (const form of ["md", "jsonl"]) document.getElementById(`as_${form}`).href = `/chat/${number}/export?form=${form}`;
    share.onclick = () => during(share, async () => {
      const found = await send(`/chat/${number}/share`);
      link.href = link.textContent = found.link;
      link.hidden = unshare.hidden = false;
      await navigator.clipboard?.writeText(found.link).catch(() => {});
      say("Whoever has the link can read this conversation.");
    });
    unshare.onclick = () => during(unshare, async () => {
      await send(`/chat/${number}/unshare`);
      link.hidden = unshare.hidden = true;
      say("The link no longer works.");
    });
    const remove = document.getElementById("delete");
    remove.onclick = () => during(remove, async () => {
      if (!remove.dataset.sure) { remove.dataset.sure = "yes"; remove.textContent = "Really delete"; return; }
      await send(`/chat/${number}`, undefined, "DELETE");
      location.href = "/chat";
    });
  }
}

/** The elements of the server's HTML. */
function parsed(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return [...template.content.children];
}

/** The JSON lines of a response as they come. */
async function* lines(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    rest += value ?? "";
    const whole = rest.split("\n");
    rest = whole.pop();
    for (const one of whole) if (one) yield JSON.parse(one);
    if (done) return;
  }
}
