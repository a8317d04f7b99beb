// What the reference gains with script: a filter, copy buttons, and where you are. Without it everything is there to read.

const contents = document.getElementById("contents");

class OpFilter extends HTMLElement {
  connectedCallback() {
    this.input = Object.assign(document.createElement("input"), {
      type: "search",
      placeholder: "Filter: rate, PATCH, project",
      autocomplete: "off",
      spellcheck: false,
    });
    this.input.setAttribute("aria-label", "Filter operations by name, path or field");
    this.input.setAttribute("aria-keyshortcuts", "/");
    this.said = document.createElement("output");
    this.append(this.input, this.said);
    this.input.addEventListener("input", () => this.show());
    this.input.addEventListener("keydown", (event) => this.keyed(event));
    document.addEventListener("keydown", (event) => {
      const typing = event.target.closest?.("input, textarea, [contenteditable]");
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      if (getComputedStyle(contents).display === "none") contents.showPopover?.();
      this.input.focus();
      this.input.select();
    });
  }

  show() {
    const words = this.input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const section of contents.querySelectorAll("section")) {
      let here = 0;
      for (const item of section.querySelectorAll("li")) {
        item.hidden = !words.every((word) => item.dataset.words.includes(word));
        here += item.hidden ? 0 : 1;
      }
      section.hidden = here === 0;
      found += here;
    }
    contents.querySelector(".guide").hidden = words.length > 0;
    this.said.textContent = words.length === 0 ? "" : found === 1 ? "1 operation" : `${found} operations`;
  }

  keyed(event) {
    if (event.key === "Enter") contents.querySelector("section:not([hidden]) li:not([hidden]) a")?.click();
    else if (event.key === "ArrowDown") contents.querySelector("section:not([hidden]) li:not([hidden]) a")?.focus();
    else if (event.key === "Escape" && this.input.value !== "") {
      event.preventDefault(); // the first Escape empties, the next one closes
      this.input.value = "";
      this.show();
    } else return;
    if (event.key === "ArrowDown") event.preventDefault();
  }
}

class CopyButton extends HTMLElement {
  connectedCallback() {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Copy" });
    const what = this.closest("figure").querySelector("figcaption").firstChild.textContent.trim();
    button.setAttribute("aria-label", `Copy: ${what}`);
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(this.closest("figure").querySelector("code").textContent);
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = "Copy"), 1500);
    });
    this.append(button);
  }
}

customElements.define("op-filter", OpFilter);
customElements.define("copy-button", CopyButton);

if (navigator.clipboard) {
  for (const caption of document.querySelectorAll(".code figcaption")) caption.append(document.createElement("copy-button"));
}

// On a phone the contents lie over the page: choosing something puts them away.
contents.addEventListener("click", (event) => {
  if (event.target.closest("a") && contents.matches(":popover-open")) contents.hidePopover();
});

// The part being read is the current one in the contents.
const links = new Map([...contents.querySelectorAll("a")].map((link) => [link.hash.slice(1), link]));
let current = null;
const watcher = new IntersectionObserver(
  (entries) => {
    const entry = entries.find((one) => one.isIntersecting);
    const link = entry && links.get(entry.target.id);
    if (!link || link === current) return;
    current?.removeAttribute("aria-current");
    link.setAttribute("aria-current", "location");
    current = link;
    if (contents.scrollHeight > contents.clientHeight && !contents.contains(document.activeElement)) {
      const top = link.offsetTop - contents.clientHeight / 2;
      contents.scrollTo({ top });
    }
  },
  { rootMargin: "-80px 0px -70% 0px" },
);
for (const part of document.querySelectorAll("main article, main .guide > section")) watcher.observe(part);

// Paper has no folds to open.
addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll("details:not([open])")) {
    fold.open = true;
    fold.dataset.folded = "";
  }
});
addEventListener("afterprint", () => {
  for (const fold of document.querySelectorAll("details[data-folded]")) {
    fold.open = false;
    delete fold.dataset.folded;
  }
});
