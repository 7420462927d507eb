// Ranking replies: by keys, by buttons, by dragging. The form's number fields hold the ranking.

import { keys, say } from "./common.js";
import { clear, mark } from "./differences.js";
import { down, fromNumbers, insert, join, rankOf, setRank, tie, up } from "./order.js";
import { changed, checkWith, form } from "./task.js";

const list = document.getElementById("replies");
const cards = [...list.children].sort((a, b) => a.dataset.place - b.dataset.place);
const inputs = cards.map((_, place) => form.elements[`rank_${place}`]);
const told = document.getElementById("told");
const none = document.getElementById("none");
const K = cards.length;
const ORDINALS = ["", "1st", "2nd", "3rd", "4th", "5th", "6th", "7th", "8th", "9th"];
const letter = (place) => cards[place].dataset.letter;

let groups = fromNumbers(inputs.map((input) => Number(input.value)));
let chosen = 0; // the place whose reply the keys act on

form.classList.add("by-script");
for (const element of form.querySelectorAll(".moves, .better")) element.hidden = false;

/** A new ranking: into the fields, onto the page, told to a screen reader. */
function rank(next, place) {
  groups = next;
  for (let other = 0; other < K; other++) inputs[other].value = rankOf(groups, other);
  show();
  say("");
  if (place !== undefined) told.textContent = sentence(place);
  changed();
}

function sentence(place) {
  const at = rankOf(groups, place);
  const others = groups[at - 1].filter((other) => other !== place).map(letter);
  const tied = others.length ? `, equal with ${others.join(" and ")}` : "";
  return `Reply ${letter(place)} is ${ORDINALS[at]} of ${K}${tied}.`;
}

function show() {
  const focused = document.activeElement;
  if (K > 2 && groups.length) list.append(...groups.flat().map((place) => cards[place]));
  if (list.contains(focused)) focused.focus({ preventScroll: true });
  cards.forEach((card, place) => {
    const at = rankOf(groups, place);
    const isTied = at > 0 && groups[at - 1].length > 1;
    card.querySelector(".rank-badge").textContent = at ? `${at}${isTied ? " =" : ""}` : "–";
    card.classList.toggle("tied", isTied && groups[at - 1][0] !== place);
    card.classList.toggle("first", at === 1 && groups.length > 1);
  });
  for (const button of form.querySelectorAll("[data-better]")) {
    const is = !groups.length ? "" : groups.length === 1 ? "=" : String(groups[0][0]);
    button.setAttribute("aria-pressed", String(button.dataset.better === is));
  }
  form.querySelector("#write-own").hidden = !none.checked;
}

/** Ranks in the order shown, where nothing is ranked yet. */
function ranked() { return groups.length ? groups : [...list.children].map((card) => [Number(card.dataset.place)]); }

function choose(place) { chosen = place; cards[place].focus(); }

function step(by) {
  const shown = [...list.children];
  const at = shown.indexOf(cards[chosen]);
  const isIn = shown.includes(document.activeElement);
  choose(Number(shown[isIn ? Math.min(K - 1, Math.max(0, at + by)) : at].dataset.place));
}

const MOVES = { up, down, tie };
for (const card of cards) {
  card.addEventListener("focusin", () => { chosen = Number(card.dataset.place); if (comparing()) compare(); });
  for (const button of card.querySelectorAll("[data-move]")) {
    button.addEventListener("click", () => rank(MOVES[button.dataset.move](ranked(), chosen), chosen));
  }
}
for (const button of form.querySelectorAll("[data-better]")) {
  button.addEventListener("click", () => better(button.dataset.better));
}

function better(which) {
  if (which === "=") { rank([[0, 1]]); told.textContent = "They are equal."; return; }
  rank([[Number(which)], [1 - Number(which)]]);
  told.textContent = `Reply ${letter(Number(which))} is better.`;
}

function act(move) { return () => { cards[chosen].focus(); rank(move(ranked(), chosen), chosen); cards[chosen].scrollIntoView({ block: "nearest" }); }; }

const table = { "n": refuse, "N": refuse, "d": toggleDifferences, "D": toggleDifferences };
if (K === 2) {
  Object.assign(table, {
    ArrowLeft: () => better("0"), ArrowRight: () => better("1"), "=": () => better("="), 0: () => better("="),
    1: () => better("0"), 2: () => better("1"), a: () => better("0"), b: () => better("1"),
  });
} else {
  const vertical = (by, move) => (event) => (event.shiftKey ? act(move)() : step(by));
  Object.assign(table, {
    ArrowUp: vertical(-1, up), ArrowDown: vertical(1, down), k: () => step(-1), j: () => step(1),
    K: act(up), J: act(down), "=": act(tie), "-": act(tie),
  });
  for (let number = 1; number <= K; number++) table[number] = act((now, place) => setRank(now, place, number));
}
keys(table);

function refuse() { none.checked = !none.checked; changed(); show(); if (none.checked) document.getElementById("written").focus(); }
none.addEventListener("change", show);

checkWith(() => {
  if (groups.length || (none.checked && !groups.length)) return "";
  return K === 2 ? "Say first which reply is better, or that they are equal." : "Nothing is ranked yet: move a reply or give one a number; the others keep their order.";
});

// Differences: two replies against each other, more of them against the chosen one.

const differences = document.getElementById("differences");
const comparing = () => differences.getAttribute("aria-pressed") === "true";
const text = (card) => card.querySelector(".reply-text > :not([hidden])");

function compare() {
  let ok = true;
  cards.forEach((card, place) => {
    const base = K === 2 ? cards[1 - place] : cards[chosen];
    if (card === base) clear(card);
    else ok = mark(text(card), text(base)) && ok;
  });
  if (!ok) say("These replies are too long to be compared word by word.", true);
  else told.textContent = K === 2 ? "Words that the other reply does not have are marked." : `Words that reply ${letter(chosen)} does not have are marked.`;
}

function toggleDifferences() {
  const on = !comparing();
  differences.setAttribute("aria-pressed", String(on));
  if (on) compare(); else { cards.forEach(clear); told.textContent = ""; }
}
differences.addEventListener("click", toggleDifferences);
document.getElementById("as-written").addEventListener("toggled", () => { if (comparing()) { cards.forEach(clear); compare(); } });

// Dragging: dropped between two replies it goes there, dropped on one it ties with it.

const EDGE = 70; // px from the window's edge where it scrolls
let drag = null;

function target(y) {
  const others = [...list.children].filter((card) => card !== drag.card);
  for (const card of others) {
    const box = card.getBoundingClientRect();
    const part = (y - box.top) / box.height;
    if (part < 0.3) return { before: card };
    if (part < 0.7) return { onto: card };
  }
  return { before: null };
}

function showTarget({ before, onto }) {
  for (const card of cards) card.classList.remove("drop-before", "drop-onto", "drop-after");
  if (onto) onto.classList.add("drop-onto");
  else if (before) before.classList.add("drop-before");
  else [...list.children].filter((card) => card !== drag.card).at(-1).classList.add("drop-after");
}

function start(event) {
  if (event.button !== 0) return;
  const card = event.target.closest(".reply");
  event.preventDefault();
  event.target.setPointerCapture(event.pointerId);
  drag = { card, from: event.clientY + scrollY, at: null };
  card.classList.add("dragged");
}

function move(event) {
  if (!drag) return;
  if (event.clientY < EDGE) scrollBy(0, -12);
  if (event.clientY > innerHeight - EDGE) scrollBy(0, 12);
  drag.card.style.transform = `translateY(${event.clientY + scrollY - drag.from}px)`;
  drag.at = target(event.clientY);
  showTarget(drag.at);
}

function end(event) {
  if (!drag) return;
  const { card, at } = drag;
  drag = null;
  card.style.transform = "";
  for (const other of cards) other.classList.remove("drop-before", "drop-onto", "drop-after", "dragged");
  if (!at || event.type === "pointercancel") return;
  const place = Number(card.dataset.place);
  const now = ranked();
  if (at.onto) rank(join(now, place, Number(at.onto.dataset.place)), place);
  else rank(insert(now, place, indexBefore(now, place, at.before)), place);
  choose(place);
}

/** The index among the other groups that stands before a card. A group is not split by a drop into its middle. */
function indexBefore(now, place, before) {
  const rest = now.map((group) => group.filter((other) => other !== place)).filter((group) => group.length);
  return before ? rankOf(rest, Number(before.dataset.place)) - 1 : rest.length;
}

for (const handle of form.querySelectorAll(".handle")) {
  handle.addEventListener("pointerdown", start);
  handle.addEventListener("pointermove", move);
  handle.addEventListener("pointerup", end);
  handle.addEventListener("pointercancel", end);
}

show();
