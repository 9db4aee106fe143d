// The organiser's last act: the final board for everybody. Without a script it is a plain form; with
// one the screen stays full, and the button says what came of it.
export function offerPublishing() {
  const form = document.querySelector("[data-publish]");
  if (!form) return { show() {}, press() {} };
  const button = form.querySelector("button");
  const outcome = form.querySelector("[data-outcome]");

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    outcome.textContent = "Publishing …";
    try {
      const response = await fetch(form.action, { method: "POST", body: new FormData(form) });
      if (!response.ok) throw new Error(`the site answers ${response.status}`);
      button.hidden = true;
      outcome.textContent = "Published: everybody sees the final board now.";
    } catch (error) {
      button.disabled = false;
      outcome.textContent = `Not published (${error.message}). Press again, or reload this page.`;
    }
  });

  return {
    show(isLast) { form.hidden = !isLast; },
    press() { if (!form.hidden && !button.hidden) form.requestSubmit(); },
  };
}
