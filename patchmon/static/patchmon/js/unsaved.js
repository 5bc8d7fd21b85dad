// What was typed into the settings form and is not applied yet.
export const settings = document.getElementById("settings-form");

const isChanged = (control) => {
  // The password that confirms a change is none itself.
  if (!control.name || control.name === "current_password" || ["hidden", "submit"].includes(control.type)) return false;
  if (control.form !== settings) return false;
  if (control.type === "checkbox") return control.checked !== control.defaultChecked;
  if (control.tagName === "SELECT") {
    return [...control.options].some((option) => option.selected !== option.defaultSelected);
  }
  return "defaultValue" in control && control.value !== control.defaultValue;
};

export const changedFields = () => (settings ? [...settings.elements].filter(isChanged) : []);
// A page that came back with what was typed has unsaved changes though nothing was touched since.
export const cameBack = () => settings?.dataset.unsaved === "true";
export const isUnsaved = () => cameBack() || changedFields().length > 0;
