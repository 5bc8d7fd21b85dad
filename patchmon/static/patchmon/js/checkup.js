// Check configuration, step by step under a progress bar, and Explain an error in place: the page is never left,
// so nothing that was typed into it is lost.
import { cameBack, changedFields } from "./unsaved.js";

const nameOf = (control) => control.labels?.[0]?.textContent.trim() || control.name;
const unsavedNames = () => {
  const names = changedFields().map(nameOf);
  return names.length || !cameBack() ? names : ["what you see in the fields above"];
};

const ask = async (form, values) => {
  const body = new URLSearchParams(new FormData(form));
  for (const [name, value] of Object.entries(values)) body.set(name, value);
  return fetch(form.action, { method: "POST", body, redirect: "error" });
};

const box = document.querySelector("[data-check]");
if (box) {
  const form = box.querySelector("[data-check-form]");
  const button = box.querySelector("[data-check-button]");
  const run = box.querySelector("[data-check-run]");
  const bar = run.querySelector("progress");
  const status = box.querySelector("[data-check-status]");
  const list = box.querySelector("[data-check-steps]");
  const unsaved = box.querySelector("[data-check-unsaved]");

  const nextStep = async (step) => {
    const answer = await ask(form, { step });
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.detail);
    list.insertAdjacentHTML("beforeend", told.html);
    bar.value = told.number;
    status.textContent = told.next ? `Step ${told.number} of ${bar.max} done.` : told.summary || "The check is done.";
    return told.next;
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    // Nothing is sent away: the page's guards against double submits and lost input are not concerned.
    event.stopPropagation();
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    box.querySelector("[data-check-last]")?.remove();
    const names = unsavedNames();
    unsaved.hidden = !names.length;
    unsaved.querySelector("[data-check-unsaved-names]").textContent = `${names.join(", ")}.`;
    run.hidden = false;
    list.replaceChildren();
    bar.value = 0;
    status.textContent = "Checking …";
    try {
      for (let step = "fields"; step; ) step = await nextStep(step);
    } catch (problem) {
      const known = problem instanceof Error && problem.constructor === Error && problem.message;
      status.textContent = known || "The check stopped: PatchMon did not answer. Load the page again and check once more.";
    } finally {
      button.removeAttribute("aria-disabled");
    }
  });
}

const explain = document.querySelector("[data-explain]");
if (explain) {
  const form = explain.querySelector("[data-explain-form]");
  const place = explain.querySelector("[data-explain-answer]");

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    try {
      const answer = await ask(form, { partial: "1" });
      if (!answer.ok) throw new Error(answer.statusText);
      place.innerHTML = await answer.text();
    } catch {
      place.textContent = "PatchMon did not answer. Load the page again and try once more.";
    }
  });
}
