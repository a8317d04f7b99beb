// The order of pinned work: drag a grip, by mouse or finger, or press the arrows on it.
import { ask, say, texts } from "./lib.js";

class PinList extends HTMLElement {
  connectedCallback() {
    this.addEventListener("pointerdown", (event) => this.take(event));
    this.addEventListener("keydown", (event) => this.key(event));
    this.addEventListener("click", (event) => event.target.closest(".grip") && event.preventDefault()); // without script it moves up
  }

  get rows() {
    return [...this.querySelectorAll("li")];
  }

  take(event) {
    const grip = event.target.closest(".grip");
    if (!grip || event.button) return;
    event.preventDefault();
    grip.focus();
    const row = grip.closest("li");
    const before = this.order();
    row.classList.add("moving");
    const move = (next) => {
      const over = this.rows.find((one) => one !== row && next.clientY >= one.getBoundingClientRect().top && next.clientY <= one.getBoundingClientRect().bottom);
      if (!over) return;
      const box = over.getBoundingClientRect();
      if (next.clientY > box.top + box.height / 2) over.after(row);
      else over.before(row);
    };
    const stop = () => {
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", stop);
      removeEventListener("pointercancel", stop);
      row.classList.remove("moving");
      if (this.order() !== before) this.keep();
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", stop);
    addEventListener("pointercancel", stop);
  }

  key(event) {
    const row = event.target.closest(".grip")?.closest("li");
    const other = { ArrowUp: row?.previousElementSibling, ArrowDown: row?.nextElementSibling }[event.key];
    if (!row || !event.key.startsWith("Arrow")) return;
    event.preventDefault();
    if (!other) return;
    if (event.key === "ArrowUp") other.before(row);
    else other.after(row);
    event.target.closest(".grip").focus();
    this.keep();
  }

  order() {
    return this.rows.map((row) => row.dataset.work).join(" ");
  }

  async keep() {
    const fields = new URLSearchParams(this.order().split(" ").map((work) => ["order", work]));
    this.saving = (this.saving ?? Promise.resolve()).then(() => ask("/timer/pins", { fields })).catch(() => say(texts.failed));
    await this.saving;
  }
}

customElements.define("pin-list", PinList);
