// Ctrl K: every page by its name, and clients, projects, tasks and invoices by theirs.
import { Options, ask, element, finder, texts } from "./lib.js";

function open() {
  if (document.querySelector("dialog[open]")) return;
  const { box, input, list } = finder(texts.palette, "palette-options");
  const pages = [...document.getElementById("commands").content.children];
  let asked = new AbortController();
  let waiting = null;
  const options = new Options(input, list, (option) => {
    box.close();
    location.assign(option.href);
  });
  const fill = (found) => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const named = pages.filter((page) => words.every((word) => page.textContent.toLowerCase().includes(word)));
    const parts = [];
    if (found.length) parts.push(title(texts.found), ...found);
    if (named.length) parts.push(title(texts.pages), ...named.slice(0, found.length ? 6 : 40).map((page) => page.cloneNode(true)));
    if (!parts.length) parts.push(title(texts.none));
    // Pages that begin with what was typed come before what is found somewhere.
    if (found.length && named.some((page) => page.textContent.toLowerCase().startsWith(words.join(" ")))) {
      parts.push(...parts.splice(0, found.length + 1));
    }
    list.replaceChildren(...parts);
    options.fresh();
  };
  const look = async () => {
    asked.abort();
    asked = new AbortController();
    if (!input.value.trim()) return fill([]);
    try {
      const { body } = await ask(`/search?${new URLSearchParams({ q: input.value })}`, { signal: asked.signal });
      fill([...body.querySelectorAll("main .option")]);
    } catch {
      // Another letter was typed, or the server is away: the pages are still there.
    }
  };
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(look, 60);
    if (!list.querySelector(".option .within")) fill([]);
  });
  box.showModal();
  input.focus();
  fill([]);
}

function title(text) {
  return element("h3", {}, text);
}

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    open();
  }
});
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-palette]")) open();
});
