// The timer in the bar: it counts by the server's clock, and every tab shows what the server says.
import { Options, ask, csrf, element, finder, say, show, texts, typing } from "./lib.js";
import { learnTimer, overlaid, places, post } from "./offline.js";

const LOOK_SECONDS = 20;
const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("tallystick-timer") : null;

class WorkTimer extends HTMLElement {
  connectedCallback() {
    this.plainTitle = document.title;
    this.offset = 0;
    this.ticking = setInterval(() => this.tick(), 1000);
    this.looking = setInterval(() => document.visibilityState === "visible" && this.look(), LOOK_SECONDS * 1000);
    this.changed = () => {
      channel?.postMessage("changed");
      this.look();
    };
    this.seen = () => document.visibilityState === "visible" && this.look();
    this.paged = () => {
      this.plainTitle = document.title;
      this.said();
    };
    this.overlay = () => this.lay();
    document.addEventListener("timer-changed", this.changed);
    document.addEventListener("visibilitychange", this.seen);
    document.addEventListener("page", this.paged);
    document.addEventListener("outbox", this.overlay);
    addEventListener("pageshow", this.seen);
    if (channel) channel.onmessage = () => this.look();
    this.said();
    this.addEventListener("change", (event) => event.target.matches("[data-timer-note]") && event.target.form.requestSubmit());
  }

  disconnectedCallback() {
    clearInterval(this.ticking);
    clearInterval(this.looking);
    document.removeEventListener("timer-changed", this.changed);
    document.removeEventListener("visibilitychange", this.seen);
    document.removeEventListener("page", this.paged);
    document.removeEventListener("outbox", this.overlay);
    removeEventListener("pageshow", this.seen);
  }

  get on() {
    return this.querySelector("[data-timer]");
  }

  said() {
    // The server has just said what runs.
    this.server = [...this.childNodes];
    const on = this.on;
    const { timer, place, started, name } = on?.dataset ?? {};
    this.shown = on ? { id: timer, place, title: name, started: Number(started), note: on.querySelector("[data-timer-note]").value } : null;
    this.truth = this.shown;
    learnTimer(this.truth);
    this.lay();
  }

  lay() {
    // On top of it what waits on this device, as if it were done.
    const over = overlaid(this.truth);
    this.shown = over === undefined ? this.truth : over;
    const nodes = this.shown?.id === this.truth?.id ? this.server : this.shown ? [running(this.shown)] : [idle()];
    if (nodes.some((node) => node.parentNode !== this) || nodes.length !== this.childNodes.length) this.replaceChildren(...nodes);
    this.read();
  }

  read() {
    if (this.on) this.offset = Number(this.on.dataset.now) - Date.now();
    this.tick();
  }

  tick() {
    const on = this.on;
    if (!on) {
      if (document.title !== this.plainTitle && this.titled) document.title = this.plainTitle;
      this.titled = false;
      return;
    }
    const seconds = Math.max(0, Math.floor((Date.now() + this.offset - Number(on.dataset.started)) / 1000));
    const shown = clock(seconds);
    on.querySelector("time").textContent = shown;
    on.classList.toggle("late", seconds > Number(on.dataset.limit));
    document.title = `${shown} · ${on.dataset.title}`;
    this.titled = true;
  }

  async look() {
    // What the server says now. A note that is being written stays.
    try {
      const { response, body } = await ask(this.dataset.url);
      if (!response.ok || !(body instanceof Document)) return;
      const there = body.querySelector("work-timer");
      const writing = this.contains(document.activeElement) && document.activeElement.matches("[data-timer-note]");
      const same = there.querySelector("[data-timer]")?.dataset.timer === this.on?.dataset.timer;
      if (writing && same) return;
      this.replaceChildren(...document.adoptNode(there).childNodes);
      this.said();
    } catch {
      // The server is away; the clock goes on, and the next look will tell.
    }
  }

  async find() {
    // Two keystrokes to start: the first opened this, and Enter takes what is on top.
    if (document.querySelector("dialog[open]")) return;
    const key = (name) => element("kbd", {}, name);
    const move = element("span", {}, key("↑"), " ", key("↓"));
    const take = element("span", {}, key("Enter"), ` ${texts.start}`);
    const foot = element("div", { class: "finder-foot" }, move, take);
    const { box, input, list } = finder(texts.find, "work-options", foot);
    box.showModal();
    input.focus();
    let asked = new AbortController();
    let waiting = null;
    let latest = Promise.resolve();
    const options = new Options(input, list, (option) => start(option));
    const start = async (option) => {
      box.close();
      await begin({ place: option.dataset.place });
    };
    const look = async () => {
      asked.abort();
      asked = new AbortController();
      try {
        const { body } = await ask(`/timer/options?${new URLSearchParams({ q: input.value })}`, { signal: asked.signal });
        list.replaceChildren(...body.querySelector("main").childNodes);
      } catch (error) {
        if (error.name === "AbortError") return;
        list.replaceChildren(...places(input.value).slice(0, 12).map(option)); // the network is away
      }
      options.fresh();
    };
    input.addEventListener("input", () => {
      clearTimeout(waiting);
      latest = new Promise((resolve) => {
        waiting = setTimeout(() => look().then(resolve), 40);
      });
    });
    input.addEventListener("keydown", async (event) => {
      // Enter right behind the last letter waits for what was typed to be found.
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      await latest;
      if (options.at) start(options.at);
    }, { capture: true });
    latest = look();
  }
}

async function begin(fields) {
  try {
    const sent = new URLSearchParams({ ...fields, back: location.pathname + location.search });
    const answer = await post("/timer/start", sent, document.querySelector("work-timer").shown);
    if (!answer) {
      say(texts.kept);
      return;
    }
    const { response, body } = answer;
    if (body instanceof Document) show(body, response.redirected ? response.url : location.href);
    else if (body.problem) say(body.problem);
    document.dispatchEvent(new CustomEvent("timer-changed"));
  } catch {
    say(texts.failed);
  }
}

function option([key, title, client]) {
  const within = element("span", { class: "within" }, client);
  return element("button", { type: "button", class: "option", "data-place": key }, element("span", {}, title), within);
}

function idle() {
  return element("a", { class: "button timer-off", href: "/timer", "data-start-timer": "" }, sign("play"), element("span", {}, texts.startTimer), element("kbd", {}, "t"));
}

function running(timer) {
  // The bar of a timer that the server does not know yet.
  const facts = { class: "timer-on", "data-timer": timer.id, "data-started": timer.started, "data-now": Date.now(), "data-limit": 1e9, "data-title": timer.title, "data-place": timer.place ?? "" };
  const hidden = () => element("input", { type: "hidden", name: "csrf_token", value: csrf() });
  const note = element("input", { type: "text", name: "note", value: timer.note ?? "", "aria-label": texts.note, placeholder: texts.note, maxlength: 10000, autocomplete: "off", "data-timer-note": "" });
  const stop = element("button", { class: "only stop", "aria-label": texts.stopTimer, title: texts.stopTimer }, sign("stop"));
  return element("div", facts, element("a", { class: "on", href: "/waiting" }, timer.title),
    element("form", { class: "note-of", method: "post", action: "/timer/note", "data-quiet": "" }, hidden(), note),
    element("time", { role: "timer", "aria-live": "off" }), element("form", { method: "post", action: "/timer/stop" }, hidden(), stop));
}

function sign(name) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const used = document.createElementNS("http://www.w3.org/2000/svg", "use");
  made.setAttribute("class", "icon");
  made.setAttribute("aria-hidden", "true");
  used.setAttribute("href", `${texts.icons}#${name}`);
  made.append(used);
  return made;
}

function clock(seconds) {
  const two = (number) => String(number).padStart(2, "0");
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

customElements.define("work-timer", WorkTimer);

document.addEventListener("keydown", (event) => {
  if (event.key !== "t" || event.ctrlKey || event.metaKey || event.altKey || typing(event)) return;
  event.preventDefault();
  document.querySelector("work-timer")?.find();
});
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-start-timer]") || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  document.querySelector("work-timer")?.find();
});
