// The OIDC / SSO page: Enable saves at once, unless something typed is not applied yet.
const form = document.getElementById("settings-form");
const enable = document.querySelector("[data-enable]");
const notice = document.querySelector(".unsaved");

const changed = (control) => {
  if (control.form !== form || !control.name || control.type === "hidden") return false;
  if (control.type === "checkbox") return control.checked !== control.defaultChecked;
  if (control.tagName === "SELECT") {
    return [...control.options].some((option) => option.selected !== option.defaultSelected);
  }
  return "defaultValue" in control && control.type !== "submit" && control.value !== control.defaultValue;
};
// A page that came back with what was typed has unsaved changes though nothing was touched since.
const unsaved = () => form.dataset.unsaved === "true" || [...form.elements].some(changed);

let leaving = false;
// A form that opens another tab leaves this page, and what is typed in it, where they are.
addEventListener("submit", (event) => {
  leaving = (event.submitter?.formTarget || event.target.target) !== "_blank";
});
// Cancel has said already that what is typed is given up.
document.querySelector("[data-discard]")?.addEventListener("click", () => (leaving = true));
addEventListener("pageshow", () => (leaving = false));
addEventListener("beforeunload", (event) => {
  if (!leaving && form && unsaved()) event.preventDefault();
});

if (form && enable && notice) {
  enable.addEventListener("change", () => {
    if (enable.checked && unsaved()) {
      notice.hidden = false;
      notice.querySelector("button").focus();
    } else {
      notice.hidden = true;
      enable.form.requestSubmit();
    }
  });
  notice.querySelector("[data-unsaved-cancel]").addEventListener("click", () => {
    enable.checked = false;
    notice.hidden = true;
    enable.focus();
  });
}

// One press puts a suggested value into its field; Apply still saves it.
for (const button of document.querySelectorAll("[data-fill]")) {
  button.addEventListener("click", () => {
    const field = document.getElementById(button.dataset.fill);
    field.value = button.dataset.value;
    field.focus();
  });
}
