// The desk for work without the network: the timer, time to log, and what waits, with what has to be asked of it.
import { actions, add, after, change, drop, known, ofTimer } from "./outbox.js";
import { element, say } from "./lib.js";
import { flush } from "./offline.js";

const texts = document.getElementById("desk-texts").dataset;
const EDITABLE = new Set(["start", "log", "stop"]);

class TimeDesk extends HTMLElement {
  connectedCallback() {
    this.bit = (name) => this.querySelector(`[data-${name}]`);
    this.bit("start").addEventListener("submit", (event) => this.start(event));
    this.bit("log").addEventListener("submit", (event) => this.log(event));
    this.bit("note-form").addEventListener("submit", (event) => this.note(event));
    this.bit("note-form").addEventListener("change", (event) => this.note(event));
    this.bit("stop").addEventListener("click", () => this.stop());
    this.bit("send").addEventListener("click", () => this.send());
    this.bit("log").elements.date.value = localDay(new Date());
    this.changed = () => this.read();
    this.flushed = ({ detail }) => {
      this.bit("signed-out").hidden = !detail.signedOut;
      this.bit("away").hidden = navigator.onLine && !detail.away;
    };
    document.addEventListener("outbox", this.changed);
    document.addEventListener("flushed", this.flushed);
    addEventListener("online", this.changed);
    addEventListener("offline", this.changed);
    this.ticking = setInterval(() => this.tick(), 1000);
    document.querySelector("[data-home]")?.addEventListener("click", (event) => {
      event.preventDefault();
      if (location.pathname === "/offline") location.assign("/");
      else location.reload(); // what was asked for when the network was away
    });
    this.read();
  }

  disconnectedCallback() {
    clearInterval(this.ticking);
    document.removeEventListener("outbox", this.changed);
    document.removeEventListener("flushed", this.flushed);
    removeEventListener("online", this.changed);
    removeEventListener("offline", this.changed);
  }

  async read() {
    let all = [];
    try {
      this.facts = await known();
      all = await actions();
    } catch {
      this.facts = undefined;
    }
    const facts = this.facts;
    if (facts?.theme && !document.documentElement.dataset.theme) document.documentElement.dataset.theme = facts.theme;
    this.mine = all.filter((one) => one.owner === facts?.owner);
    this.bit("away").hidden = navigator.onLine;
    this.bit("stranger").hidden = Boolean(facts);
    this.bit("work").hidden = this.bit("list").hidden = !facts;
    if (!facts) return;
    this.bit("who").textContent = `${facts.name} · ${facts.workspace}`;
    this.bit("who").title = fill(texts.known, { moment: this.moment(facts.at) });
    const [signedOut] = this.bit("signed-out").querySelectorAll("span");
    signedOut.firstChild.textContent = signedOut.firstChild.textContent.replace("…", facts.name).replace("…", facts.workspace);
    this.fillPlaces();
    this.timer();
    this.list();
    const others = all.length - this.mine.length;
    this.bit("others").hidden = !others;
    this.bit("others").textContent = fill(texts.others, { count: others });
  }

  fillPlaces() {
    for (const select of this.querySelectorAll("select[data-places]")) {
      if (select.dataset.at === String(this.facts.at)) continue;
      const chosen = select.value;
      select.replaceChildren(...this.options(chosen));
      select.dataset.at = this.facts.at;
    }
  }

  options(chosen) {
    return this.facts.places.map(([key, title, client]) => {
      const option = element("option", { value: key }, client ? `${title} (${client})` : title);
      option.selected = key === chosen;
      return option;
    });
  }

  timer() {
    this.now = after(this.facts.timer, this.mine);
    this.bit("running").hidden = !this.now;
    this.bit("start").hidden = Boolean(this.now);
    if (!this.now) return;
    const begun = this.begun;
    this.bit("title").textContent = this.now.title;
    this.bit("since").textContent = fill(texts.since, { moment: this.moment(begun) });
    const note = this.bit("note-form").elements.note;
    if (document.activeElement !== note) note.value = this.now.note;
    this.tick();
  }

  get begun() {
    // When it began, by this device's clock.
    return this.now.ours ? this.now.started : this.now.started - (this.facts.ahead ?? 0);
  }

  tick() {
    if (this.now) this.bit("clock").textContent = clock(Math.max(0, Math.floor((Date.now() - this.begun) / 1000)));
  }

  list() {
    const list = this.bit("waiting");
    if (list.contains(document.activeElement?.closest?.("form"))) return; // one is being edited
    let held = false;
    list.replaceChildren(...this.mine.map((action) => {
      const item = this.item(action, held);
      held ||= Boolean(action.conflict) && ofTimer(action);
      return item;
    }));
    this.bit("nothing").hidden = this.mine.length > 0;
    this.bit("send").hidden = !this.mine.some((one) => !one.conflict);
  }

  item(action, held) {
    const title = fill(texts[action.kind], { title: action.title || "–" });
    const item = element("li", { class: action.conflict ? "waits asks" : "waits", "data-key": action.key });
    const state = action.conflict ? texts.asks : held && ofTimer(action) ? texts.behind : action.tried ? texts.cut : texts.waits;
    const chip = element("span", { class: `chip ${action.conflict ? "wrong" : "warn"}` }, state);
    item.append(element("div", { class: "row spread" }, element("div", {}, element("strong", {}, title), element("br"), element("span", { class: "soft small" }, this.told(action))), chip));
    const buttons = element("div", { class: "row" });
    if (action.conflict) {
      item.append(element("p", { class: "why-asked" }, this.why(action)));
      buttons.append(...this.answers(action));
    }
    if (!action.tried) {
      if (EDITABLE.has(action.kind)) buttons.append(press(action.conflict?.reason === "timer_gone" ? texts.anew : texts.edit, () => this.edit(action, item)));
      buttons.append(press(texts.discard, () => confirm(texts.sure) && this.discard(action), "danger"));
    }
    if (buttons.childNodes.length) item.append(buttons);
    return item;
  }

  told(action) {
    const when = action.kind !== "log" ? this.moment(action.made)
      : action.started ? `${this.moment(action.started)} – ${this.moment(action.stopped)}`
      : `${new Date(`${action.date}T12:00`).toLocaleDateString(this.dataset.lang, { dateStyle: "medium" })}, ${action.duration}`;
    return [when, action.note].filter(Boolean).join(" · ");
  }

  why({ conflict: { said, reason, facts } }) {
    const more = {
      other_timer: () => fill(texts.runningThere, { title: facts.title ?? "", moment: this.moment(facts.started) }),
      clock_wrong: () => fill(facts.ahead > 0 ? texts.ahead : texts.behindClock, { time: span(facts.ahead) }),
    }[reason];
    return [said, more?.()].filter(Boolean).join(" ");
  }

  answers(action) {
    const { reason, facts } = action.conflict;
    const stop = this.mine.find((one) => one.kind === "stop" && one.timer === action.key);
    const choose = (text, facts_) => press(text, () => this.answer(action, facts_), "main");
    const chosen = (choice) => ({ choices: [...action.choices, choice] });
    if (reason === "other_timer" && action.kind === "start") {
      if (stop) return [press(texts.finished, () => this.asInterval(action, action.made, stop.made), "main")];
      const end = Math.min(Date.now(), facts.started - (this.facts.ahead ?? 0) > action.made ? facts.started - (this.facts.ahead ?? 0) : Date.now());
      return [choose(texts.replace, chosen("replace")), press(fill(texts.beside, { moment: this.moment(end) }), () => this.asInterval(action, action.made, end))];
    }
    if (reason === "timer_stopped") return [choose(fill(texts.mine, { moment: this.moment(action.made) }), chosen("mine")), press(fill(texts.theirs, { moment: this.moment(facts.stopped) }), () => this.discard(action))];
    if (reason === "timer_long") return [choose(texts.keep, chosen("keep")), press(fill(texts.trim, { time: clock(facts.limit).replace(/:00$/, "") }), () => this.answer(action, chosen("trim"))), press(texts.throw, () => this.answer(action, chosen("discard")))];
    if (reason === "clock_wrong") return [choose(fill(texts.correct, { time: span(facts.ahead) }), { clock: "correct" }), press(texts.right, () => this.answer(action, { clock: "right" }))];
    if (reason === "too_old") return [choose(texts.record, chosen("keep"))];
    if (reason === "timer_gone") return [];
    return [press(texts.again, () => this.answer(action, {}))];
  }

  async answer(action, facts) {
    // What was asked of one clock is asked of it once: the others of this device that ask the same hear it too.
    const same = "clock" in facts ? this.mine.filter((one) => one.conflict?.reason === "clock_wrong" || !one.conflict) : [action];
    for (const one of same) await change(one.seq, { ...facts, conflict: null });
    await this.send();
  }

  async asInterval(action, started, stopped) {
    const hangs = this.mine.filter((one) => one.timer === action.key);
    const note = hangs.filter((one) => one.kind === "note").at(-1)?.note ?? action.note;
    await change(action.seq, { kind: "log", started, stopped, note, conflict: null });
    if (hangs.length) await drop(...hangs.map((one) => one.seq));
    await this.send();
  }

  async discard(action) {
    const hangs = this.mine.filter((one) => one.timer === action.key);
    await drop(action.seq, ...hangs.map((one) => one.seq));
    await this.send();
  }

  edit(action, item) {
    const stop = this.mine.find((one) => one.kind === "stop" && one.timer === action.key);
    const anew = action.conflict?.reason === "timer_gone";
    const from = action.kind === "start" ? action.made : anew ? action.began ?? action.made : action.started;
    const to = action.kind === "start" ? stop?.made : action.kind === "stop" ? action.made : action.stopped;
    const form = element("form", { class: "form edit" });
    const add_ = (name, label, field) => form.append(element("div", { class: "field" }, element("label", {}, label, field)));
    if (action.kind !== "stop" || anew) {
      const select = element("select", { name: "place", required: "" });
      select.replaceChildren(element("option", { value: "" }, ""), ...this.options(action.place));
      add_("place", texts.place, select);
    }
    if (from && (action.kind !== "stop" || anew)) add_("from", texts.from, moments("from", from));
    if (to) add_("to", texts.to, moments("to", to));
    if (action.kind === "log" && !action.started) {
      add_("date", texts.date, element("input", { name: "date", type: "date", required: "", value: action.date }));
      add_("duration", texts.duration, element("input", { name: "duration", type: "text", required: "", maxlength: 32, value: action.duration }));
    }
    if (action.kind !== "stop" || anew) add_("note", texts.noteLabel, element("input", { name: "note", type: "text", maxlength: 10000, value: action.note ?? "" }));
    const cancel = press(texts.cancel, () => (form.remove(), this.read()), "plain");
    form.append(element("div", { class: "row" }, element("button", { class: "main" }, texts.save), cancel));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      event.stopPropagation();
      const { place, from: begin, to: end, date, duration, note } = Object.fromEntries(new FormData(form));
      const facts = { conflict: null, clock: "right" };
      if (place) Object.assign(facts, { place, title: this.facts.places.find(([key]) => key === place)?.[1] ?? action.title });
      if (note !== undefined) facts.note = note;
      if (date) Object.assign(facts, { date, duration });
      const instant = (text, was) => (text === localMoment(was) ? was : new Date(text).getTime());
      form.remove();
      if (begin && end) {
        await change(action.seq, { ...facts, kind: "log", started: instant(begin, from), stopped: instant(end, to) });
        const hangs = this.mine.filter((one) => one.timer === action.key);
        if (hangs.length) await drop(...hangs.map((one) => one.seq));
      } else await change(action.seq, { ...facts, ...(begin || end ? { made: instant(begin || end, begin ? from : to) } : {}) });
      await this.send();
    });
    item.querySelector("form")?.remove();
    item.append(form);
    form.querySelector("select, input")?.focus();
  }

  async start(event) {
    event.preventDefault();
    event.stopPropagation();
    const form = this.bit("start");
    const place = form.elements.place.value;
    await this.keep({ kind: "start", place, title: this.facts.places.find(([key]) => key === place)?.[1], note: form.elements.note.value.trim() || undefined, expects: this.now?.id });
    form.elements.note.value = "";
  }

  async stop() {
    await this.keep({ kind: "stop", timer: this.now.id, title: this.now.title, place: this.now.place, began: this.begun });
  }

  async note(event) {
    event.preventDefault();
    event.stopPropagation();
    const text = this.bit("note-form").elements.note.value.trim();
    if (!this.now || text === (this.now.note ?? "")) return;
    await this.keep({ kind: "note", timer: this.now.id, title: this.now.title, note: text });
  }

  async log(event) {
    event.preventDefault();
    event.stopPropagation();
    const form = this.bit("log");
    const { place, date, duration, note } = Object.fromEntries(new FormData(form));
    await this.keep({ kind: "log", place, title: this.facts.places.find(([key]) => key === place)?.[1], date, duration: duration.trim(), note: note.trim() || undefined });
    form.elements.duration.value = form.elements.note.value = "";
  }

  async keep(action) {
    try {
      await add({ owner: this.facts.owner, ahead: this.facts.ahead ?? null, ...action });
    } catch {
      say(texts.unkept);
      return;
    }
    await this.read();
    if (!navigator.onLine) say(texts.kept);
    else await this.send();
  }

  async send() {
    const result = await flush();
    if (result.away) say(texts.away);
  }

  moment(instant) {
    const hour12 = { 12: true, 24: false }[this.facts?.clock];
    const day = new Date(instant).toDateString() === new Date().toDateString() ? {} : { day: "numeric", month: "short" };
    return new Intl.DateTimeFormat(this.dataset.lang, { hour: "2-digit", minute: "2-digit", ...day, ...(hour12 === undefined ? {} : { hour12 }) }).format(new Date(instant));
  }
}

function press(text, work, kind = "") {
  const button = element("button", { type: "button", class: `tiny ${kind}`.trim() }, text);
  button.addEventListener("click", work);
  return button;
}

function fill(text, facts) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => facts[name] ?? whole);
}

function moments(name, instant) {
  return element("input", { name, type: "datetime-local", required: "", value: localMoment(instant) });
}

function localMoment(instant) {
  const at = new Date(instant);
  return `${localDay(at)}T${String(at.getHours()).padStart(2, "0")}:${String(at.getMinutes()).padStart(2, "0")}`;
}

function localDay(at) {
  return `${at.getFullYear()}-${String(at.getMonth() + 1).padStart(2, "0")}-${String(at.getDate()).padStart(2, "0")}`;
}

function clock(seconds) {
  const two = (number) => String(number).padStart(2, "0");
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

function span(milliseconds) {
  const minutes = Math.round(Math.abs(milliseconds) / 60000);
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}`;
}

customElements.define("time-desk", TimeDesk);
