// The secret field: show what is being typed, and let Enter save the secret rather than the whole form.
for (const field of document.querySelectorAll("[data-secret]")) {
  const input = field.querySelector("input");
  const show = field.querySelector("[data-secret-show]");
  const save = field.querySelector("[data-secret-save]");

  show?.addEventListener("click", () => {
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    show.setAttribute("aria-pressed", String(shown));
    show.querySelector("[data-secret-show-text]").textContent = shown ? "Hide" : "Show";
    input.focus();
  });
  input?.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !save || event.isComposing) return;
    event.preventDefault();
    save.click();
  });
  // A browser that keeps form history must never see the secret as plain text.
  input?.form?.addEventListener("submit", () => (input.type = "password"));
}
