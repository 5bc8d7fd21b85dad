// The question whether it is still you appears when the last sign-in has become too old, not before.
for (const question of document.querySelectorAll("[data-needed-in]")) {
  const needed = Date.now() + Number(question.dataset.neededIn) * 1000;
  const show = () => {
    if (Date.now() >= needed) question.classList.remove("no-js");
  };
  setTimeout(show, needed - Date.now() + 50);
  // Timers stand still while a laptop sleeps.
  document.addEventListener("visibilitychange", show);
}
