// What every page's script uses: requests with the CSRF token, messages, keys, drafts.

const csrf = document.querySelector('meta[name="csrf"]').content;

/** fetch with the token and JSON in and out; a refusal is an Error whose message is a sentence. */
export async function send(path, body, method = "POST", signal = undefined) {
  const response = await ask(path, body, method, signal);
  return response.status === 204 ? null : response.json();
}

/** The same, giving the response itself, for what is streamed. */
export async function ask(path, body, method = "POST", signal = undefined) {
  let response;
  try {
    response = await fetch(path, {
      method,
      signal,
      headers: { "content-type": "application/json", accept: "application/json", "x-csrf-token": csrf },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server cannot be reached; what you typed is kept. Try again when it is back.");
  }
  if (!response.ok) {
    let message = `The server answered ${response.status}.`;
    try { message = (await response.json()).error ?? message; } catch { /* not ours: keep the number */ }
    const failure = new Error(typeof message === "string" ? message : message.message);
    failure.status = response.status;
    throw failure;
  }
  return response;
}

/** Say something at the top of the work, aloud to a screen reader as well. */
export function say(text, isBad = false) {
  const said = document.getElementById("said");
  said.textContent = (isBad ? "✗ " : "") + text;
  said.classList.toggle("bad", isBad);
}

/** An element: make("button", {class: "main", onclick: go}, "Send", " ", make("kbd", {}, "Enter")). */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

/** Call `act` for keys pressed outside of fields; table: {"1": act, "Enter": act, …}. */
export function keys(table) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    if ((event.key === "Enter" || event.key === " ") && event.target.closest("button, a, summary")) return;
    const act = table[event.key];
    if (act) { event.preventDefault(); act(event); }
  });
}

/** Keep a field's text in this tab until `forget` is called, so that a reload loses nothing. */
export function keepDraft(field, name) {
  const place = `draft ${name}`;
  if (!field.value) field.value = sessionStorage.getItem(place) ?? "";
  field.addEventListener("input", () => sessionStorage.setItem(place, field.value));
  return { forget: () => sessionStorage.removeItem(place) };
}

/** `act`, with the button at rest while it runs and its failure said where it happened. */
export async function during(button, act) {
  button.disabled = true;
  try { return await act(); } catch (error) { say(error.message, true); return null; } finally { button.disabled = false; }
}

/** A new key, so that a request that is sent twice counts once. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
