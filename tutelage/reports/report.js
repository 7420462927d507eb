// Draws each chart from the numbers that stand beside it in the page.
for (const source of document.querySelectorAll("script.figure")) {
  draw(source.previousElementSibling, JSON.parse(source.textContent));
}
