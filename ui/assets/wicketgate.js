// Conveniences only: every page works without this file.
(() => {
  // Copy buttons are hidden in the markup, because without script they could do nothing.
  for (const button of document.querySelectorAll("button[data-copy]")) {
    if (!navigator.clipboard) break;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
      const label = button.querySelector("[data-done]");
      if (!label) return;
      const before = label.textContent;
      label.textContent = label.dataset.done;
      setTimeout(() => { label.textContent = before; }, 2000);
    });
  }

  // So are those that save a text as a file.
  for (const button of document.querySelectorAll("button[data-download]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const text = document.getElementById(button.dataset.download).textContent.trim() + "\n";
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
      link.download = button.dataset.file;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
  }

  // A changed filter or sorting is applied at once; the button for it is in the page for the others.
  for (const form of document.querySelectorAll("form[data-auto]")) {
    form.addEventListener("change", (event) => { if (event.target.type !== "search") form.requestSubmit(); });
    for (const button of form.querySelectorAll("[data-apply]")) button.hidden = true;
  }

  const menus = () => document.querySelectorAll("details.menu[open]");
  document.addEventListener("click", (event) => {
    for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      for (const menu of menus()) { menu.open = false; menu.querySelector("summary").focus(); }
    }
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const search = [...document.querySelectorAll("input[type=search]")].find((field) => field.offsetParent);
      if (search) { event.preventDefault(); search.focus(); }
    }
  });
})();
