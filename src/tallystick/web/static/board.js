// Cards that are dragged from lane to lane. Each card also has a field that does the same.
import { ask, say, show, texts } from "./lib.js";

let dragged = null;

document.addEventListener("dragstart", (event) => {
  dragged = event.target.closest?.("[data-task]");
  if (!dragged) return;
  dragged.classList.add("dragged");
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.dataset.task);
});
document.addEventListener("dragend", () => {
  dragged?.classList.remove("dragged");
  for (const lane of document.querySelectorAll(".lane.over")) lane.classList.remove("over");
  dragged = null;
});
document.addEventListener("dragover", (event) => {
  const lane = event.target.closest?.("[data-lane]");
  if (!dragged || !lane) return;
  event.preventDefault();
  for (const other of document.querySelectorAll(".lane.over")) if (other !== lane) other.classList.remove("over");
  lane.classList.add("over");
});
document.addEventListener("drop", async (event) => {
  const lane = event.target.closest?.("[data-lane]");
  if (!dragged || !lane) return;
  event.preventDefault();
  const card = dragged;
  const from = card.closest("[data-lane]");
  if (from === lane) return;
  lane.append(card);
  try {
    const { response, body } = await ask(`/tasks/${card.dataset.task}/status`, {
      fields: { status: lane.dataset.lane, back: location.pathname + location.search },
    });
    if (body instanceof Document) show(body, location.href, { push: false });
    else if (!response.ok) {
      from.append(card);
      say(body.problem);
    }
  } catch {
    from.append(card);
    say(texts.failed);
  }
});
