// The organiser's last act: the final board for everybody. Without a script it is a plain form; with
// one the screen stays full, and the button says what came of it.

// What went wrong and what to do, as a sentence; nothing for the site's only yes.
async function refusal(response) {
  if (response.status === 204) return "";
  if (response.redirected || response.type === "opaqueredirect") {
    return "You are signed out. Sign in again in another tab, then reload this page";
  }
  const told = await response.json().catch(() => null);
  return told?.error?.message ?? `The site answers ${response.status}. Reload this page and press again`;
}

async function send(form) {
  const options = { method: "POST", body: new FormData(form), redirect: "manual" };
  try {
    return await refusal(await fetch(form.action, { ...options, headers: { Accept: "application/json" } }));
  } catch {
    return "The site does not answer. Press again";
  }
}

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
    const problem = await send(form);
    button.disabled = button.hidden = !problem;
    outcome.textContent = problem
      ? `Not published. ${problem.replace(/\.$/, "")}.`
      : "Published: everybody sees the final board now.";
  });

  return {
    show(isLast) { form.hidden = !isLast; },
    press() { if (!form.hidden && !button.hidden) form.requestSubmit(); },
  };
}
