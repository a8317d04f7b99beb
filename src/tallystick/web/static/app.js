// Forms and sheets without a page load. Everything here also works without: a form posts, a link leads to its page.
import { ask, dialog, loadScripts, say, show, texts, typing } from "./lib.js";
import { kindOf, post } from "./offline.js";

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const button = event.submitter;
  if (event.defaultPrevented || form.method === "dialog" || form.closest("[data-plain]")) return;
  const question = button?.dataset.confirm ?? form.dataset.confirm;
  if (question && !confirm(question)) {
    event.preventDefault();
    return;
  }
  event.preventDefault();
  const fields = new URLSearchParams(new FormData(form, button));
  const action = button?.getAttribute("formaction") ?? form.getAttribute("action") ?? location.pathname + location.search;
  const sheet = form.closest("dialog");
  if (form.closest("work-timer") && fields.has("back")) fields.set("back", location.pathname + location.search);
  form.setAttribute("aria-busy", "true");
  try {
    if (form.method === "get") {
      for (const [name, value] of [...fields]) if (!value) fields.delete(name);
      const url = `${action.split("?")[0]}${fields.size ? `?${fields}` : ""}`;
      const { body } = await ask(url);
      show(body, new URL(url, location.href).href);
      return;
    }
    const answer = kindOf(action) ? await post(action, fields, shownTimer()) : await ask(action, { fields });
    if (!answer) {
      sheet?.close();
      if (kindOf(action) === "log" && !sheet) form.reset();
      say(texts.kept);
      return;
    }
    const { response, body } = answer;
    if (!(body instanceof Document)) {
      if (body.problem) say(body.problem);
      if ("note" in body) form.elements.shown_note.value = body.note;
      if (action.startsWith("/timer")) announce(); // it may be another one by now
      return;
    }
    if (!response.redirected && sheet) {
      fill(sheet, body);
      return;
    }
    sheet?.close();
    if (form.elements.shown_note) form.elements.shown_note.value = fields.get("note");
    if (!form.hasAttribute("data-quiet")) show(body, response.redirected ? response.url : location.href);
    if (action.startsWith("/timer")) announce();
  } catch (error) {
    if (error.name !== "AbortError") say(texts.failed);
  } finally {
    form.removeAttribute("aria-busy");
  }
});

export function shownTimer() {
  return document.querySelector("work-timer")?.shown ?? null;
}

function announce() {
  document.dispatchEvent(new CustomEvent("timer-changed"));
}

document.addEventListener("change", (event) => {
  const auto = event.target.closest("[data-auto]");
  if (auto) auto.form.requestSubmit();
  const every = event.target.closest("[data-every]");
  if (every) for (const box of every.form.querySelectorAll(`input[name="${CSS.escape(every.dataset.every)}"]`)) box.checked = every.checked;
});

// Sheets: a link to a form opens it over the page.
document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-sheet]");
  const plain = event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
  if (!link || plain || link.closest("dialog") || event.defaultPrevented) return;
  event.preventDefault();
  openSheet(link.href).catch(() => location.assign(link.href)); // without network: the page for that
});

export async function openSheet(url) {
  const { body } = await ask(url);
  const sheet = dialog("sheet-dialog", body.querySelector("h1")?.textContent ?? "");
  fill(sheet, body);
  sheet.showModal();
  (sheet.querySelector("[autofocus]") ?? sheet.querySelector("input:not([type=hidden]), select, textarea, button:not([data-close])"))?.focus();
}

function fill(sheet, page) {
  const inside = document.createElement("div");
  inside.className = "sheet-body";
  inside.append(...document.adoptNode(page.querySelector("main")).childNodes);
  for (const back of inside.querySelectorAll("input[name=back]")) back.value = location.pathname + location.search;
  for (const cancel of inside.querySelectorAll("[data-cancel]")) {
    cancel.addEventListener("click", (event) => {
      event.preventDefault();
      sheet.close();
    });
  }
  sheet.replaceChildren(inside);
  loadScripts(page);
  inside.querySelector("[aria-invalid=true]")?.focus();
}

// Menus close when something else is touched.
document.addEventListener("click", (event) => {
  for (const open of document.querySelectorAll("details[data-menu][open]")) {
    if (!open.contains(event.target) || event.target.closest(".sheet a")) open.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    for (const open of document.querySelectorAll("details[data-menu][open]")) {
      open.open = false;
      open.querySelector("summary").focus();
    }
  }
  if (event.key === "/" && !typing(event) && !document.querySelector("dialog[open]")) {
    const search = document.querySelector("main input[type=search]");
    if (search) {
      event.preventDefault();
      search.focus();
    }
  }
});

addEventListener("popstate", async () => {
  try {
    const { body } = await ask(location.href);
    show(body, location.href, { push: false });
  } catch {
    location.reload();
  }
});

// Lines of a form that repeat: a template, and a button that adds one.
document.addEventListener("click", (event) => {
  const more = event.target.closest("[data-add-line]");
  if (more) {
    const made = document.getElementById(more.dataset.addLine).content.cloneNode(true);
    const place = more.closest("form").querySelector("[data-lines]");
    place.append(made);
    place.lastElementChild.querySelector("input")?.focus();
  }
  const copy = event.target.closest("[data-copy]");
  if (copy) navigator.clipboard?.writeText(document.getElementById(copy.dataset.copy).textContent.trim()).then(() => say(copy.dataset.done));
  const gone = event.target.closest("[data-remove-line]");
  if (gone) gone.closest("[data-line]").remove();
});
