// The week as a spreadsheet: arrows move, Enter keeps and goes down, what is typed is saved when it is left.
import { ask, say, texts } from "./lib.js";

class WeekGrid extends HTMLElement {
  connectedCallback() {
    this.classList.add("live");
    this.line = this.querySelector("[data-note-line]");
    this.note = this.line?.querySelector("input");
    this.addEventListener("keydown", (event) => this.key(event));
    this.addEventListener("focusin", (event) => this.enter(event));
    this.addEventListener("focusout", (event) => event.target.matches("[data-cell]") && this.save(event.target));
    this.querySelector("[data-save]")?.setAttribute("hidden", "");
    if (this.line) this.line.hidden = false;
  }

  get cells() {
    return [...this.querySelectorAll("tbody tr")].map((row) => [...row.querySelectorAll("[data-cell]")]);
  }

  enter(event) {
    const cell = event.target;
    if (!cell.matches("[data-cell]")) return;
    this.at = cell;
    cell.select();
    if (!this.note) return;
    this.line.querySelector("label").textContent = cell.getAttribute("aria-label");
    this.note.value = cell.dataset.noted ?? cell.dataset.note ?? "";
    this.note.disabled = cell.readOnly;
  }

  key(event) {
    if (event.target === this.note) {
      if (event.key === "Enter" || event.key === "Escape") {
        event.preventDefault();
        if (event.key === "Enter") this.keepNote();
        this.at?.focus();
      }
      return;
    }
    const cell = event.target;
    if (!cell.matches("[data-cell]") || event.ctrlKey || event.metaKey || event.altKey) return;
    const rows = this.cells;
    const y = rows.findIndex((row) => row.includes(cell));
    const x = rows[y].indexOf(cell);
    const whole = cell.selectionStart === 0 && cell.selectionEnd === cell.value.length;
    const to = (row, column) => {
      const next = rows[row]?.[column];
      if (!next) return;
      event.preventDefault();
      next.focus();
    };
    const forward = getComputedStyle(this).direction === "rtl" ? -1 : 1;
    if (event.key === "ArrowDown" || (event.key === "Enter" && !event.shiftKey)) {
      event.preventDefault();
      if (rows[y + 1]) to(y + 1, x);
      else this.save(cell);
    } else if (event.key === "ArrowUp") to(y - 1, x);
    else if (event.key === "ArrowLeft" && (whole || cell.selectionStart === 0)) to(y, x - forward);
    else if (event.key === "ArrowRight" && (whole || cell.selectionEnd === cell.value.length)) to(y, x + forward);
    else if (event.key === "Home" && whole) to(y, 0);
    else if (event.key === "End" && whole) to(y, rows[y].length - 1);
    else if (event.key === "Escape") {
      cell.value = cell.dataset.was;
      cell.select();
    } else if ((event.key === "Delete" || event.key === "Backspace") && whole && !cell.readOnly) {
      event.preventDefault();
      cell.value = "";
    } else if ((event.key === "F2" || (event.key === "Enter" && event.shiftKey)) && this.note && !cell.readOnly) {
      event.preventDefault();
      this.note.focus();
    }
  }

  keepNote() {
    if (this.at && this.note.value !== (this.at.dataset.note ?? "")) {
      this.at.dataset.noted = this.note.value;
      this.save(this.at);
    }
  }

  async save(cell) {
    const noted = cell.dataset.noted;
    if (cell.readOnly || (cell.value.trim() === cell.dataset.was && noted === undefined)) return;
    const box = cell.closest("td");
    const typed = cell.value.trim();
    const fields = { place: cell.dataset.place, day: cell.dataset.day, value: typed, person: this.dataset.person, week: this.dataset.week };
    if (noted !== undefined) fields.note = noted;
    // What was shown is said when it is sent: until then another change of the same cell may have been answered.
    const send = () => ask("/time/week/cell", { fields: { ...fields, seconds: cell.dataset.seconds, shown_note: cell.dataset.note ?? "" } });
    box.classList.add("saving");
    try {
      // One after the other: the sums that come back are those of all cells so far.
      this.queue = (this.queue ?? Promise.resolve()).then(send, send);
      const { response, body } = await this.queue;
      box.classList.toggle("bad", !response.ok);
      cell.toggleAttribute("aria-invalid", false);
      if (!response.ok) {
        cell.setAttribute("aria-invalid", "true");
        cell.title = body.fields?.value ?? body.problem;
        say(cell.title);
        if ("seconds" in body) this.learn(cell, body); // somebody else was first: what was typed stays, and may be saved again
        return;
      }
      cell.removeAttribute("title");
      if (cell.dataset.noted === noted) delete cell.dataset.noted;
      this.learn(cell, body);
      if (cell.value.trim() === typed) {
        cell.value = body.cell;
        if (document.activeElement === cell) cell.select();
      }
    } catch {
      say(texts.failed);
    } finally {
      box.classList.remove("saving");
    }
  }

  learn(cell, there) {
    // What the server has: of the cell, and the sums.
    Object.assign(cell.dataset, { was: there.cell, seconds: there.seconds, note: there.note });
    cell.closest("td").classList.toggle("noted", Boolean(there.note));
    for (const [name, value] of Object.entries(there.sums)) {
      const place = this.querySelector(`[data-sum="${CSS.escape(name)}"]`);
      if (place) place.textContent = value;
    }
  }
}

customElements.define("week-grid", WeekGrid);
