// Conveniences only: every page works without this file, apart from passkeys, which a browser hands over
// to scripts only.
(() => {
  // Copy buttons are hidden in the markup, because without script they could do nothing.
  const copies = (part) => part.querySelectorAll("button[data-copy]").forEach((button) => {
    if (!navigator.clipboard) return;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
      const label = button.querySelector("[data-done]");
      if (!label) return;
      const before = label.textContent;
      label.textContent = label.dataset.done;
      setTimeout(() => { label.textContent = before; }, 2000);
    });
  });
  copies(document);

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

  // An answer to an application goes on by itself; the button is for the others.
  for (const form of document.querySelectorAll("form[data-send]")) form.submit();

  // Markdown is shown as it will look, a moment after the last letter.
  for (const field of document.querySelectorAll("textarea[data-preview]")) {
    const box = document.createElement("details");
    const head = document.createElement("summary");
    const shown = document.createElement("div");
    box.className = "more";
    head.textContent = field.dataset.preview;
    shown.className = "prose prose-small";
    box.append(head, shown);
    field.after(box);
    let timer, last;
    const show = async () => {
      if (!box.open || field.value === last) return;
      last = field.value;
      const body = new URLSearchParams({ text: last, _csrf: field.form.elements._csrf.value });
      const answer = await fetch("/markdown", { method: "POST", body }).catch(() => null);
      if (answer?.ok) shown.innerHTML = await answer.text();
    };
    field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(show, 400); });
    box.addEventListener("toggle", show);
  }

  // A file goes into the field for its text, where it can be seen before it is sent. Without script the form sends it.
  for (const chooser of document.querySelectorAll("[data-file-into]")) {
    const input = chooser.querySelector("input[type=file]");
    input.removeAttribute("name");
    input.addEventListener("change", async () => {
      const [file] = input.files;
      if (file) document.getElementById(chooser.dataset.fileInto).value = await file.text();
    });
  }

  // A trial shows its answer beside the form; what is on the page for it comes from the page that the form leads to.
  for (const form of document.querySelectorAll("form[data-trial]")) {
    const place = document.getElementById("trial-answer");
    form.addEventListener("submit", async (event) => {
      // Another button leads away.
      if (event.submitter?.hasAttribute("formaction")) return;
      event.preventDefault();
      const button = form.querySelector("[data-busy]");
      const before = button.innerHTML;
      button.disabled = true;
      button.textContent = button.dataset.busy;
      place.setAttribute("aria-busy", "true");
      try {
        const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const parts = page.querySelectorAll("#trial-answer, main [role=alert].message");
        if (answer.redirected || !parts.length) { form.submit(); return; }
        place.replaceChildren(...[...parts].reverse().flatMap((part) => part.id ? (answer.ok ? [...part.childNodes] : []) : [part]));
        copies(place);
        place.scrollIntoView({ block: "nearest" });
      } catch {
        form.submit();
      } finally {
        button.disabled = false;
        button.innerHTML = before;
        place.removeAttribute("aria-busy");
      }
    });
  }

  // Passkeys: the answer of the authenticator goes into the form, and the form to the server.
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const ask = async ({ passkey, challenge, host, site, user, name, known }) => {
    if (passkey === "get") {
      return navigator.credentials.get({ publicKey: { challenge: bytes(challenge), userVerification: "required" } });
    }
    return navigator.credentials.create({ publicKey: {
      challenge: bytes(challenge),
      rp: { id: host, name: site },
      user: { id: new TextEncoder().encode(user), name, displayName: name },
      pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: "public-key", alg })),
      authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
      excludeCredentials: known.split(" ").filter(Boolean).map((id) => ({ type: "public-key", id: bytes(id) })),
    } });
  };
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    if (!window.PublicKeyCredential) break;
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      const field = form.elements.credential;
      if (field.value) return;
      event.preventDefault();
      const fault = form.querySelector("[data-fault]");
      fault.hidden = true;
      try {
        const { rawId, response } = await ask(form.dataset);
        const data = response.authenticatorData || response.getAuthenticatorData();
        field.value = JSON.stringify({
          id: text(rawId),
          clientDataJSON: text(response.clientDataJSON),
          authenticatorData: text(data),
          signature: response.signature && text(response.signature),
        });
        form.requestSubmit();
      } catch {
        fault.hidden = false;
      }
    });
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
    const help = document.querySelector("a[data-help]");
    if (event.key === "?" && help && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) help.click();
  });
})();
