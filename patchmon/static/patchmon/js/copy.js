// Copy buttons: data-copy names the id of the input, or of the element, whose text is copied.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  const text = source.value ?? source.textContent.trim();
  let copied = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Plain http has no clipboard; the older command copies what is selected.
    const selection = getSelection();
    if (source.select) source.select();
    else selection.selectAllChildren(source);
    copied = document.execCommand("copy");
  }
  const label = button.querySelector("[data-copy-text]") ?? button;
  const before = button.dataset.copyLabel ?? label.textContent;
  button.dataset.copyLabel = before;
  label.textContent = copied ? "Copied" : "Press Ctrl+C";
  clearTimeout(Number(button.dataset.copyTimer));
  button.dataset.copyTimer = String(setTimeout(() => (label.textContent = before), 2000));
});
