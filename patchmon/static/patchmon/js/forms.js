// Every form: a refused one is read from its summary, a second press of its button is ignored for as long as
// an answer usually takes (a page that was stopped may be sent again).
const WAIT = 4000;
document.querySelector("[data-form-errors]")?.focus();

const sent = new WeakSet();
// A button that opens another tab leaves the form here: what else it has to send need not wait for it.
const pressed = ({ target, submitter }) => {
  const opensTab = (submitter?.formTarget || target.target) === "_blank";
  return (opensTab && submitter) || target;
};
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented) return;
  const what = pressed(event);
  if (sent.has(what)) {
    event.preventDefault();
    return;
  }
  sent.add(what);
  setTimeout(() => sent.delete(what), WAIT);
});
// Coming back by the browser's Back button finds the page as it was left: it may be sent again.
addEventListener("pageshow", () => {
  for (const form of document.forms) sent.delete(form);
});
