// Passkeys: asks the server for a question, the device for its answer, and sends that with the form as it is.

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

async function offer(url, fields) {
  const response = await fetch(url, { method: "POST", body: new URLSearchParams(fields), credentials: "same-origin" });
  const found = await response.json();
  if (!response.ok) throw new Refused(found.problem);
  found.challenge = bytes(found.challenge);
  if (found.user) found.user.id = bytes(found.user.id);
  for (const name of ["excludeCredentials", "allowCredentials"]) {
    found[name] = (found[name] ?? []).map((one) => ({ ...one, id: bytes(one.id) }));
  }
  return found;
}

class Refused extends Error {}

function plain(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = text(credential.response[name]);
  }
  return JSON.stringify({ id: credential.id, rawId: text(credential.rawId), type: credential.type, response });
}

function answered(form, ask) {
  form.addEventListener("submit", async (event) => {
    if (form.elements.answer.value) return;
    event.preventDefault();
    const problem = document.getElementById("passkey-problem");
    const button = form.querySelector("button");
    button.disabled = true;
    problem.hidden = true;
    try {
      form.elements.answer.value = plain(await ask());
      button.disabled = false;
      form.requestSubmit(button);
    } catch (error) {
      problem.textContent = error instanceof Refused ? error.message : form.dataset.failed;
      problem.hidden = false;
    } finally {
      button.disabled = false;
    }
  });
}

const add = document.getElementById("passkey-add");
if (add && window.PublicKeyCredential) {
  answered(add, async () => {
    const fields = { csrf_token: add.elements.csrf_token.value, password: add.elements.password?.value ?? "" };
    return navigator.credentials.create({ publicKey: await offer("/passkeys/offer", fields) });
  });
} else if (add) {
  const problem = document.getElementById("passkey-problem");
  problem.textContent = add.dataset.none;
  problem.hidden = false;
  add.hidden = true;
}

const come = document.getElementById("passkey-in");
if (come && window.PublicKeyCredential) {
  come.hidden = false;
  answered(come, async () => {
    come.elements.remember.value = document.querySelector('[type="checkbox"][name="remember"]')?.checked ? "yes" : "";
    return navigator.credentials.get({ publicKey: await offer("/sign-in/passkey/offer", {}) });
  });
}
