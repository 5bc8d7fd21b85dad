// Messages: announced after the page has loaded (a live region says only what changes), and dismissed.
const region = document.querySelector("[data-toasts]");
if (region) {
  const toasts = [...region.children];
  region.replaceChildren();
  requestAnimationFrame(() => region.append(...toasts));
  region.addEventListener("click", (event) => {
    const button = event.target.closest("[data-dismiss]");
    if (!button) return;
    button.closest(".toast").remove();
    document.getElementById("content")?.focus({ preventScroll: true });
  });
}
