// The builder: what is changed is shown on the paper beside it, without losing one's place in the form.
import { ask, say, texts } from "./lib.js";

let waiting;
let running;

async function again(form) {
  running?.abort();
  running = new AbortController();
  const fields = new URLSearchParams(new FormData(form));
  fields.set("preview", "yes");
  const card = form.querySelector("[data-preview-card]");
  card.setAttribute("aria-busy", "true");
  try {
    const { body } = await ask(form.getAttribute("action") ?? location.pathname, { fields, signal: running.signal });
    const fresh = body instanceof Document && body.querySelector("[data-preview-card]");
    if (!fresh) return;
    card.replaceWith(document.adoptNode(fresh));
    const make = form.querySelector("[data-make]");
    if (make) make.disabled = fresh.hasAttribute("data-none");
  } catch (error) {
    if (error.name !== "AbortError") say(texts.failed);
  } finally {
    card.removeAttribute("aria-busy");
  }
}

document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-builder]");
  if (!form) return;
  clearTimeout(waiting);
  waiting = setTimeout(() => again(form), 250);
});
document.addEventListener("click", (event) => {
  const form = event.target.closest("[data-remove-line]")?.closest("form[data-builder]");
  if (form) setTimeout(() => again(form), 0);
}, true); // before the line is gone, and the form with it
