// Words of one text that another does not have in the same order, marked in the page.

const MOST_CELLS = 4e6; // of the table of common words; longer texts are not compared

/** For each word of `words`, whether it is in the longest common sequence with `others`. */
export function common(words, others) {
  const [n, m] = [words.length, others.length];
  if (n * m > MOST_CELLS) return null;
  const length = new Uint16Array((n + 1) * (m + 1));
  for (let i = n - 1; i >= 0; i--) {
    for (let j = m - 1; j >= 0; j--) {
      length[i * (m + 1) + j] = words[i] === others[j]
        ? length[(i + 1) * (m + 1) + j + 1] + 1
        : Math.max(length[(i + 1) * (m + 1) + j], length[i * (m + 1) + j + 1]);
    }
  }
  const shared = new Array(n).fill(false);
  for (let i = 0, j = 0; i < n && j < m;) {
    if (words[i] === others[j]) { shared[i] = true; i++; j++; }
    else if (length[(i + 1) * (m + 1) + j] >= length[i * (m + 1) + j + 1]) i++;
    else j++;
  }
  return shared;
}

export const wordsOf = (text) => text.match(/\S+/g) ?? [];

/** Mark in `element` what `other` does not have; false where the texts are too long for that. */
export function mark(element, other) {
  clear(element);
  const shared = common(wordsOf(spaced(element)), wordsOf(spaced(other)));
  if (!shared) return false;
  let at = 0;
  for (const node of texts(element)) {
    const parts = node.data.split(/(\S+)/);
    const made = parts.map((part) => {
      if (!part.trim() || shared[at++]) return part;
      const marked = document.createElement("mark");
      marked.textContent = part;
      return marked;
    });
    if (made.some((part) => typeof part !== "string")) node.replaceWith(...made);
  }
  return true;
}

export function clear(element) {
  for (const marked of element.querySelectorAll("mark")) marked.replaceWith(...marked.childNodes);
  element.normalize();
}

/** Text nodes of an element, in order. */
function texts(element) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) found.push(walker.currentNode);
  return found;
}

/** Its text with a space between nodes, so that words are the same as node by node. */
function spaced(element) { return texts(element).map((node) => node.data).join(" "); }
