// The OIDC / SSO page: Enable saves at once, and asks first where something typed is not applied yet.
import { isUnsaved, settings } from "./unsaved.js";

const enable = document.querySelector("[data-enable]");
const notice = document.querySelector(".unsaved");

let leaving = false;
// A form that opens another tab leaves this page, and what is typed in it, where they are.
addEventListener("submit", (event) => {
  leaving = (event.submitter?.formTarget || event.target.target) !== "_blank";
});
// Cancel has said already that what is typed is given up.
document.querySelector("[data-discard]")?.addEventListener("click", () => (leaving = true));
addEventListener("pageshow", () => (leaving = false));
addEventListener("beforeunload", (event) => {
  if (!leaving && isUnsaved()) event.preventDefault();
});

if (enable && notice) {
  enable.addEventListener("change", () => {
    if (!notice.hidden) {
      // Put back by hand what the notice asks about.
      notice.hidden = true;
      return;
    }
    if (!isUnsaved()) {
      enable.form.requestSubmit();
      return;
    }
    for (const button of notice.querySelectorAll("[data-unsaved-for]")) {
      button.hidden = (button.dataset.unsavedFor === "on") !== enable.checked;
    }
    notice.hidden = false;
    notice.querySelector("button:not([hidden])").focus();
  });
  notice.querySelector("[data-unsaved-anyway]").addEventListener("click", () => enable.form.requestSubmit());
  notice.querySelector("[data-unsaved-cancel]").addEventListener("click", () => {
    enable.checked = !enable.checked;
    notice.hidden = true;
    enable.focus();
  });
}

// Apply stays in sight while there is something to apply.
const apply = document.querySelector("[data-apply]");
if (apply) {
  let inSight = true;
  const pin = () => apply.classList.toggle("is-pinned", !inSight && isUnsaved());
  new IntersectionObserver(([entry]) => {
    inSight = entry.isIntersecting;
    pin();
  }).observe(apply);
  settings.addEventListener("input", pin);
  settings.addEventListener("reset", () => setTimeout(pin));
}

// Entra knows no scope "groups": scopes that nobody has touched yet follow the issuer.
const hint = document.querySelector("[data-entra-scopes]");
const issuer = document.getElementById("id_issuer");
const scopes = document.getElementById("id_scopes");
if (hint && issuer && scopes) {
  const { entraScopes, entraHosts, otherScopes } = hint.dataset;
  issuer.addEventListener("change", () => {
    const host = URL.canParse(issuer.value.trim()) ? new URL(issuer.value.trim()).hostname : "";
    if (!entraHosts.split(" ").includes(host) || scopes.value !== otherScopes) return;
    scopes.value = entraScopes;
    hint.textContent = `Changed from “${otherScopes}”: Entra knows no scope “groups”.`;
  });
}

// One press puts a suggested value into its field; Apply still saves it.
for (const button of document.querySelectorAll("[data-fill]")) {
  button.addEventListener("click", (event) => {
    event.preventDefault();
    const field = document.getElementById(button.dataset.fill);
    field.value = button.value;
    field.focus();
  });
}
