// What the scripts of the pages share: asking the server as a page of ours, and putting answers in place.

export const texts = document.getElementById("texts")?.dataset ?? {};

export function csrf() {
  return document.querySelector('meta[name="csrf"]')?.content ?? "";
}

export async function ask(url, { fields, signal, signedOut } = {}) {
  // GET, or POST where there are fields. Answers {response, body}; whoever was signed out is sent to sign in.
  // `signedOut`: what is done before that.
  const headers = { "X-Tallystick-Swap": "1" };
  const request = { headers, signal, credentials: "same-origin" };
  if (fields) {
    request.method = "POST";
    headers["X-CSRF-Token"] = csrf();
    request.body = fields instanceof URLSearchParams ? fields : new URLSearchParams(fields);
  }
  const response = await fetch(url, request);
  if (response.status === 401) {
    await signedOut?.();
    location.assign(`/sign-in?${new URLSearchParams({ next: location.pathname + location.search })}`);
    return new Promise(() => {});
  }
  const json = (response.headers.get("Content-Type") ?? "").startsWith("application/json");
  return { response, body: json ? await response.json() : new DOMParser().parseFromString(await response.text(), "text/html") };
}

export function say(message) {
  const place = document.getElementById("said");
  const said = document.createElement("p");
  said.className = "said";
  said.textContent = message;
  place.replaceChildren(said);
}

export function show(page, url, { push = true } = {}) {
  // Put another page of ours in the place of this one: its content, bar, menu, title and what it says.
  const main = document.querySelector("main");
  const fresh = page.querySelector("main");
  if (!fresh) {
    location.assign(url);
    return;
  }
  const same = new URL(url, location.href).pathname === location.pathname;
  const focused = document.activeElement?.id;
  const keep = same ? scrollY : 0;
  if (push && url !== location.href) history[same ? "replaceState" : "pushState"]({ ours: true }, "", url);
  document.title = page.title;
  main.replaceChildren(...document.adoptNode(fresh).childNodes);
  for (const part of ["work-timer", ".side", ".phone"]) {
    const here = document.querySelector(part);
    const there = page.querySelector(part);
    if (here && there) here.replaceChildren(...document.adoptNode(there).childNodes);
  }
  const token = page.querySelector('meta[name="csrf"]')?.content;
  if (token) document.querySelector('meta[name="csrf"]').content = token;
  const said = page.querySelector("#said .said");
  if (said) say(said.textContent);
  loadScripts(page);
  scrollTo({ top: keep, behavior: "instant" });
  const again = main.querySelector("[aria-invalid=true]") ?? main.querySelector("[autofocus]") ?? (focused && document.getElementById(focused));
  if (again) again.focus({ preventScroll: same });
  else if (!same) main.focus({ preventScroll: true });
  document.dispatchEvent(new CustomEvent("page"));
}

export function loadScripts(page) {
  // A page may bring a script that this one did not have: modules of our own only.
  for (const wanted of page.querySelectorAll("head script[type=module][src]")) {
    const src = wanted.getAttribute("src");
    if (document.head.querySelector(`script[src="${CSS.escape(src)}"]`)) continue;
    const script = document.createElement("script");
    script.type = "module";
    script.src = src;
    document.head.append(script);
  }
}

export function dialog(className, label) {
  // A fresh modal dialog that goes when it is closed, and with a click beside it.
  const made = document.createElement("dialog");
  made.className = className;
  made.setAttribute("aria-label", label);
  made.addEventListener("close", () => made.remove());
  made.addEventListener("mousedown", (event) => {
    if (event.target === made) made.close();
  });
  document.body.append(made);
  return made;
}

export function element(name, facts = {}, ...children) {
  // An element with these attributes, and what is in it: text stays text.
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(facts)) made.setAttribute(attribute, value);
  made.append(...children);
  return made;
}

export function finder(label, id, ...foot) {
  // A dialog with a line to type in and options below it: {box, input, list}.
  const box = dialog("finder", label);
  const input = element("input", { type: "text", autocomplete: "off", spellcheck: "false", placeholder: label, "aria-label": label });
  const list = element("div", { class: "options", id, role: "listbox", "aria-label": label });
  box.append(element("div", { class: "finder-form" }, input, list, ...foot));
  return { box, input, list };
}

export function typing(event) {
  const at = event.target;
  return at instanceof HTMLElement && (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName)) && at.type !== "checkbox";
}

export class Options {
  // A list to choose from with the arrows while the typing goes on elsewhere.
  constructor(input, list, chosen) {
    this.input = input;
    this.list = list;
    this.chosen = chosen;
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-expanded", "true");
    input.setAttribute("aria-controls", list.id);
    input.setAttribute("aria-autocomplete", "list");
    input.addEventListener("keydown", (event) => this.key(event));
    list.addEventListener("click", (event) => {
      const option = event.target.closest(".option");
      if (!option) return;
      event.preventDefault();
      chosen(option);
    });
  }

  get all() {
    return [...this.list.querySelectorAll(".option")];
  }

  get at() {
    return this.list.querySelector(".option[aria-selected=true]");
  }

  fresh() {
    this.all.forEach((option, number) => {
      option.id = `${this.list.id}-${number}`;
      option.setAttribute("role", "option");
      option.tabIndex = -1;
    });
    this.select(this.all[0]);
  }

  select(option) {
    this.at?.setAttribute("aria-selected", "false");
    if (!option) {
      this.input.removeAttribute("aria-activedescendant");
      return;
    }
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", option.id);
  }

  key(event) {
    const all = this.all;
    const here = all.indexOf(this.at);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && all.length) {
      event.preventDefault();
      this.select(all[(here + step + all.length) % all.length]);
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      if (this.at) this.chosen(this.at);
    }
  }
}
