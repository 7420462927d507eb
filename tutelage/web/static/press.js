// Links and buttons that say their key: <a data-key="Enter">. Letters are lower case.

import { keys } from "./common.js";

const table = {};
for (const element of document.querySelectorAll("[data-key]")) {
  const press = () => element.click();
  table[element.dataset.key] = press;
  table[element.dataset.key.toUpperCase()] ??= press;
}
keys(table);
