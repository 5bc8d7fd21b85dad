// The choice of theme. Runs before anything is painted, so that a dark page never flashes white; a classic
// script, since modules always wait for the document.
(() => {
  const KEY = "patchmon-theme";
  const root = document.documentElement;
  root.classList.add("js");

  // Storage may be switched off in the browser; the theme then follows the system.
  const read = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null;
    }
  };
  const write = (choice) => {
    try {
      if (choice === "system") localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, choice);
    } catch {
      // Not remembered, but in force on this page.
    }
  };

  const apply = (choice) => {
    if (choice === "light" || choice === "dark") root.dataset.theme = choice;
    else delete root.dataset.theme;
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      const pressed = button.dataset.themeChoice === (root.dataset.theme ?? "system");
      button.setAttribute("aria-pressed", String(pressed));
    }
  };

  apply(read());
  document.addEventListener("DOMContentLoaded", () => apply(read()));
  addEventListener("storage", (event) => {
    if (event.key === KEY) apply(event.newValue);
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-choice]");
    if (!button) return;
    write(button.dataset.themeChoice);
    apply(button.dataset.themeChoice);
  });
})();
