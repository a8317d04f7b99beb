// Exports that are under way: asks again while there is one, and puts what it has become in its place.
import { ask, say } from "./lib.js";

const EVERY = 2000;
let waiting = null;

async function look() {
  waiting = null;
  const under = [...document.querySelectorAll('[data-export="queued"], [data-export="running"]')];
  if (!under.length) return;
  if (document.visibilityState === "visible") {
    try {
      const { response, body } = await ask("/settings/export");
      if (response.ok && body instanceof Document) under.forEach((one) => become(one, body.getElementById(one.id)));
    } catch {
      // The server is away; the next look will tell.
    }
  }
  wait();
}

function become(one, now) {
  if (!now || !one.isConnected) return;
  one.replaceWith(document.adoptNode(now));
  if (now.dataset.export !== one.dataset.export) say(now.querySelector(".chip").textContent);
}

function wait() {
  waiting ??= setTimeout(look, EVERY);
}

document.addEventListener("page", wait);
wait();
