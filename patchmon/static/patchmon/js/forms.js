// Every form: a refused one is read from its summary, a second press of its button is ignored for as long as
// an answer usually takes (a page that was stopped may be sent again).
const WAIT = 4000;
document.querySelector("[data-form-errors]")?.focus();

const sent = new WeakSet();
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented) return;
  const form = event.target;
  if (sent.has(form)) {
    event.preventDefault();
    return;
  }
  sent.add(form);
  setTimeout(() => sent.delete(form), WAIT);
});
// Coming back by the browser's Back button finds the page as it was left: it may be sent again.
addEventListener("pageshow", () => {
  for (const form of document.forms) sent.delete(form);
});
