// The calendar: blocks take their places on the clock; drag or press keys to move, resize and make them.
import { openSheet } from "./app.js";
import { ask, say, show, texts } from "./lib.js";

const STEP = 15;
const DAY = 24 * 60;
const PAUSE = 700; // after the last key, until it is kept
const HOLD = 350; // a finger that rests so long takes hold; one that moves before scrolls
const SLIP = 8;

class TimeCalendar extends HTMLElement {
  connectedCallback() {
    this.classList.add("live");
    for (const block of this.blocks) this.place(block);
    this.frame = this.querySelector(".cal");
    this.makeRoom();
    this.watching = new ResizeObserver(() => this.makeRoom());
    this.watching.observe(this);
    const early = Math.min(...this.blocks.filter((block) => block.id).map((block) => Number(block.dataset.at)), 8 * 60);
    this.frame.scrollTop = Math.max(0, (early / DAY) * this.height - 12);
    this.addEventListener("pointerdown", (event) => this.down(event));
    this.addEventListener("touchmove", (event) => this.holding && event.preventDefault(), { passive: false });
    this.addEventListener("contextmenu", (event) => this.holding && event.preventDefault());
    this.addEventListener("keydown", (event) => this.key(event));
    this.addEventListener("focusout", () => this.keep());
    this.addEventListener("dragstart", (event) => event.preventDefault());
    this.addEventListener("click", (event) => this.dragged && (event.preventDefault(), event.stopImmediatePropagation()), true);
  }

  disconnectedCallback() {
    this.watching?.disconnect();
  }

  makeRoom() {
    // Time without a start stays in sight above the hours, which begin below the highest of its lists.
    const heights = [...this.querySelectorAll(".cal-loose")].map((list) => list.offsetHeight);
    this.frame.style.setProperty("--loose", `${Math.max(0, ...heights)}px`);
    this.classList.toggle("loose", Math.max(0, ...heights) > 0);
  }

  get blocks() {
    return [...this.querySelectorAll(".cal-block")];
  }

  get height() {
    return (this.querySelector(".cal-day.chosen .cal-blocks") ?? this.querySelector(".cal-blocks")).offsetHeight || 1;
  }

  place(block, at = Number(block.dataset.at), minutes = Number(block.dataset.minutes)) {
    const { lane, lanes, color } = block.dataset;
    block.style.top = `${(at / DAY) * 100}%`;
    block.style.height = `${(Math.max(minutes, STEP) / DAY) * 100}%`;
    block.style.insetInlineStart = `calc(${(lane / lanes) * 100}% + 2px)`;
    block.style.inlineSize = `calc(${100 / lanes}% - 4px)`;
    if (color) block.style.borderInlineStartColor = color;
  }

  // --- by pointer

  minutesAt(event, column) {
    const box = column.querySelector(".cal-blocks").getBoundingClientRect();
    return Math.min(DAY, Math.max(0, ((event.clientY - box.top) / box.height) * DAY));
  }

  columnAt(event) {
    return document.elementsFromPoint(event.clientX, event.clientY).map((one) => one.closest?.(".cal-day")).find(Boolean);
  }

  down(event) {
    this.dragged = false;
    if (event.button || event.target.closest(".cal-add, .cal-loose, .cal-corner, h2")) return;
    const column = event.target.closest(".cal-day");
    if (!column) return;
    const block = event.target.closest(".cal-block");
    const begin = () => {
      if (block) this.take(event, column, block);
      else if (event.target.closest(".cal-blocks")) this.draw(event, column);
    };
    if (event.pointerType === "touch") this.hold(event, begin);
    else begin();
  }

  hold(event, begin) {
    const off = () => {
      clearTimeout(timer);
      for (const name of ["pointermove", "pointerup", "pointercancel"]) removeEventListener(name, heard);
    };
    const heard = (next) => {
      if (next.type !== "pointermove" || Math.hypot(next.clientX - event.clientX, next.clientY - event.clientY) > SLIP) off();
    };
    const timer = setTimeout(() => {
      off();
      this.holding = true;
      navigator.vibrate?.(10);
      begin();
    }, HOLD);
    for (const name of ["pointermove", "pointerup", "pointercancel"]) addEventListener(name, heard);
  }

  take(event, column, block) {
    if (block.dataset.fixed) {
      if (this.holding) say(block.dataset.fixed);
      this.holding = false;
      return;
    }
    if (this.holding) block.classList.add("moving");
    const resizing = Boolean(event.target.closest(".cal-grip"));
    const grabbed = this.minutesAt(event, column) - Number(block.dataset.at);
    const begun = { x: event.clientX, y: event.clientY };
    let day = column.dataset.day;
    let at = Number(block.dataset.at);
    let minutes = Number(block.dataset.minutes);
    this.follow(event, block, (moved) => {
      if (!this.dragged && Math.hypot(moved.clientX - begun.x, moved.clientY - begun.y) < 5) return;
      this.dragged = true;
      block.classList.add("moving");
      if (resizing) {
        minutes = Math.max(STEP, snap(this.minutesAt(moved, column)) - at);
      } else {
        const over = this.columnAt(moved) ?? column;
        day = over.dataset.day;
        at = Math.min(DAY - STEP, Math.max(0, snap(this.minutesAt(moved, over) - grabbed)));
        over.querySelector(".cal-blocks").append(block.closest("li"));
      }
      this.place(block, at, minutes);
    }, () => {
      block.classList.remove("moving");
      if (!this.dragged) return;
      const { entry, started, stopped } = block.dataset;
      const longer = minutes - Number(block.dataset.minutes);
      this.send(resizing ? { entry, started, stopped, longer } : { entry, started, stopped, day, at });
    });
  }

  draw(event, column) {
    const from = Math.floor(this.minutesAt(event, column) / STEP) * STEP;
    const shade = document.createElement("li");
    const drawn = document.createElement("span");
    drawn.className = "cal-block drawing";
    Object.assign(drawn.dataset, { lane: 0, lanes: 1 });
    shade.append(drawn);
    let until = from + (this.holding ? 2 * STEP : STEP);
    const shown = () => {
      if (!shade.isConnected) column.querySelector(".cal-blocks").append(shade);
      this.dragged = true;
      drawn.textContent = `${clock(from)}–${clock(until)}`;
      this.place(drawn, from, until - from);
    };
    if (this.holding) shown();
    this.follow(event, column, (moved) => {
      until = Math.max(from + STEP, Math.ceil(this.minutesAt(moved, column) / STEP) * STEP);
      shown();
    }, (last) => {
      shade.remove();
      if (!this.dragged || last.type === "pointercancel") return;
      const asked = { day: column.dataset.day, start: clock(from), end: clock(until % DAY) };
      if (this.dataset.person) asked.person = this.dataset.person;
      openSheet(`/time/calendar/new?${new URLSearchParams(asked)}`);
    });
  }

  follow(event, holder, moved, done) {
    event.preventDefault();
    holder.focus?.();
    const move = (next) => moved(next);
    const stop = (last) => {
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", stop);
      removeEventListener("pointercancel", stop);
      this.holding = false;
      done(last);
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", stop);
    addEventListener("pointercancel", stop);
  }

  // --- by keyboard

  key(event) {
    const block = event.target.closest(".cal-block");
    if (!block || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && this.asked) {
      this.forget(block);
      return;
    }
    if (event.key === "Enter" && this.asked) {
      event.preventDefault();
      this.keep();
      return;
    }
    const up = { ArrowUp: -STEP, ArrowDown: STEP }[event.key];
    const forward = getComputedStyle(this).direction === "rtl" ? -1 : 1;
    const days = event.shiftKey ? undefined : { ArrowLeft: -forward, ArrowRight: forward }[event.key];
    if (!up && !days) return;
    event.preventDefault();
    if (block.dataset.fixed) {
      say(block.dataset.fixed);
      return;
    }
    const { entry, started, stopped } = block.dataset;
    if (this.asked?.entry !== entry) this.asked = { entry, started, stopped, days: 0, minutes: 0, longer: 0 };
    if (days) this.asked.days += days;
    else if (event.shiftKey) this.asked.longer = Math.max(STEP - Number(block.dataset.minutes), this.asked.longer + up);
    else this.asked.minutes += up;
    const at = Number(block.dataset.at) + this.asked.minutes;
    this.place(block, Math.min(DAY - STEP, Math.max(0, at)), Number(block.dataset.minutes) + this.asked.longer);
    block.classList.add("moving");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.keep(), this.asked.days ? 250 : PAUSE);
  }

  forget(block) {
    clearTimeout(this.timer);
    this.asked = undefined;
    block.classList.remove("moving");
    this.place(block);
  }

  keep() {
    clearTimeout(this.timer);
    const asked = this.asked;
    this.asked = undefined;
    if (asked && (asked.days || asked.minutes || asked.longer)) this.send(asked);
  }

  async send(fields) {
    try {
      const { response, body } = await ask("/time/calendar/move", { fields });
      if (body instanceof Document) {
        const top = this.frame.scrollTop;
        show(body, response.url);
        const fresh = document.querySelector("time-calendar .cal");
        if (fresh) fresh.scrollTop = top;
        document.getElementById(`block-${fields.entry}`)?.focus({ preventScroll: true });
        return;
      }
      say(Object.values(body.fields ?? {})[0] ?? body.problem);
    } catch {
      say(texts.failed);
    }
    const { body } = await ask(location.href);
    show(body, location.href, { push: false });
  }
}

function snap(minutes) {
  return Math.round(minutes / STEP) * STEP;
}

function clock(minutes) {
  return `${String(Math.floor(minutes / 60) % 24).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}

customElements.define("time-calendar", TimeCalendar);
