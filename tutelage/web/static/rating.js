// Rating a reply: digits give the overall quality, letters tick the lines.

import { keys } from "./common.js";
import { changed, checkWith, form } from "./task.js";

const table = {};
for (const field of form.querySelectorAll("[name=overall]")) {
  table[field.value] = () => { field.checked = true; field.focus(); changed(); };
}
for (const field of form.querySelectorAll("[data-letter]")) {
  const tick = () => { field.checked = !field.checked; field.focus(); changed(); };
  table[field.dataset.letter] = tick;
  table[field.dataset.letter.toUpperCase()] = tick;
}
keys(table);
checkWith(() => (form.querySelector("[name=overall]:checked") ? "" : "Give the overall quality first: a number from 1 to 7."));
