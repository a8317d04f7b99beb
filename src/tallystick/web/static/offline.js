// Pages and the outbox: what could not be sent waits on this device, and nothing of a person stays when they leave.
import { actions, add, after, change, fetchState, known, learn, newKey, send, whenTold, wipe } from "./outbox.js";
import { ask, say, texts } from "./lib.js";

const PATIENCE = 15000;
const FRESH = 5 * 60000;
const SOON = 1000;
const AGAIN = 30000;
const KINDS = { "/timer/start": "start", "/timer/stop": "stop", "/timer/note": "note", "/time": "log", "/time/new": "log" };
const here = document.querySelector('meta[name="person"]')?.content;

let facts; // what is known, as far as it was read
let waiting = []; // what waits, of whoever is here
let pause = SOON; // until what could not be sent is tried again
let again;
const ready = begin().catch(() => {}); // a browser that keeps nothing: then all is as it was without this module

async function begin() {
  whenTold(hear);
  if (here) await wipe(here.split(":")[0]);
  await read();
  if (here) {
    if (!facts || facts.owner !== here || Date.now() - facts.at > FRESH) whenIdle(refresh);
    register();
  }
  if (waiting.length) flush();
}

async function read() {
  facts = await known();
  waiting = await actions(here ?? facts?.owner ?? "nobody");
  draw();
  document.dispatchEvent(new CustomEvent("outbox"));
}

function register() {
  navigator.serviceWorker?.register("/service-worker.js").then((registration) => (globalThis.registration = registration)).catch(() => {});
}

function whenIdle(work) {
  if ("requestIdleCallback" in globalThis) requestIdleCallback(work, { timeout: 4000 });
  else setTimeout(work, 1000);
}

export async function refresh() {
  try {
    const { state } = await fetchState();
    if (!state) return;
    await learn(state);
    await read();
  } catch {
    // The network is away: what was known before is known still.
  }
}

export async function learnTimer(timer) {
  // A page has just said which timer runs.
  await ready;
  if (!facts || facts.owner !== here) return;
  if (JSON.stringify(facts.timer) === JSON.stringify(timer)) return;
  facts = { ...facts, timer };
  await learn(facts);
}

export function overlaid(timer) {
  // The timer that a page shows: the server's, and what waits on top. Undefined where that is the same.
  if (!waiting.some((one) => one.kind !== "log" && !one.conflict)) return undefined;
  return after(timer, waiting);
}

export function places(sought) {
  // Work from the last visit, by words in its names.
  const words = sought.toLowerCase().split(/\s+/).filter(Boolean);
  return (facts?.places ?? []).filter(([, title, client]) => words.every((word) => `${client} ${title}`.toLowerCase().includes(word)));
}

export function kindOf(action) {
  return KINDS[action.split("?")[0]];
}

export async function post(action, fields, timer) {
  // `ask`, but nothing is lost: what does not arrive waits on this device, under the key it was sent with. Null then.
  await ready;
  const kind = kindOf(action);
  const key = newKey();
  const kept = (tried) => keep(kind, key, fields, timer, tried);
  if (kind !== "log" && waiting.some((one) => one.kind !== "log")) {
    await kept(false); // behind what waits already
    flush();
    return null;
  }
  if (!navigator.onLine) {
    await kept(false);
    return null;
  }
  if (kind !== "note") fields.set("key", key);
  try {
    const signal = AbortSignal.timeout(PATIENCE);
    const answer = await ask(action, { fields, signal, signedOut: () => kept(false) });
    if (![502, 503, 504].includes(answer.response.status)) return answer;
  } catch {
    // Whether it arrived is not known: it is sent again, under the same key.
  }
  await kept(true);
  tryAgain(true);
  return null;
}

let keeping = Promise.resolve();

function keep(...what) {
  // One after the other: what comes next sees what was kept before.
  keeping = keeping.catch(() => {}).then(() => keepOne(...what));
  return keeping;
}

async function keepOne(kind, key, fields, timer, tried) {
  const owner = here ?? facts?.owner;
  const person = fields.get("person");
  if (!owner || (person && person !== owner.split(":")[0])) throw new Error("Nobody known may keep this here.");
  const place = fields.get("place") ?? undefined;
  const title = places("").find(([one]) => one === place)?.[1] ?? timer?.title ?? "";
  const action = { key, kind, owner, tried, ahead: facts?.ahead ?? null, note: fields.get("note") ?? undefined };
  if (kind === "start") Object.assign(action, { place, title, expects: timer?.id });
  else if (kind === "log") Object.assign(action, { place, title, date: fields.get("date"), duration: fields.get("duration") });
  else Object.assign(action, { timer: timer?.id, title: timer?.title, place: timer?.place, began: timer?.started });
  if (fields.get("choice")) action.choices = [fields.get("choice")];
  const open = (one) => !one.tried && !one.conflict; // what is being sent is sent as it is
  const written = kind === "note" && waiting.find((one) => one.kind === "note" && one.timer === action.timer && open(one));
  if (!written || !(await change(written.seq, { note: action.note }, open))) await add(action);
  await read();
}

export async function flush() {
  // Try to send what waits; what comes of it is heard. It is read anew: a question may have been answered just now.
  await read().catch(() => {});
  if (!waiting.some((one) => !one.conflict)) return { sent: 0 };
  return send();
}

async function hear(result) {
  // What waits has changed; `result`: somebody on this device has tried to send it.
  await read();
  if (!result) return;
  if (result.sent) {
    document.dispatchEvent(new CustomEvent("timer-changed"));
    say((result.sent === 1 ? texts.sentOne : texts.sent).replace("{count}", result.sent));
  }
  document.dispatchEvent(new CustomEvent("flushed", { detail: result }));
  tryAgain(result.away);
}

function tryAgain(away) {
  // A network that has just come is often not there yet: soon, then less and less often.
  if (!away) {
    clearTimeout(again);
    again = undefined;
    pause = SOON;
    return;
  }
  again ??= setTimeout(() => {
    again = undefined;
    pause = Math.min(pause * 2, AGAIN);
    whenSeen();
  }, pause);
}

function whenSeen() {
  if (document.visibilityState === "visible") flush();
}

function draw() {
  const chip = document.querySelector("[data-net]");
  if (!chip) return;
  const away = !navigator.onLine;
  const asked = waiting.some((one) => one.conflict);
  chip.hidden = !waiting.length && !away;
  chip.classList.toggle("wrong", asked);
  chip.classList.toggle("warn", !asked);
  const count = (waiting.length === 1 ? texts.waitOne : texts.wait).replace("{count}", waiting.length);
  chip.textContent = [away ? texts.offline : "", waiting.length ? count : ""].filter(Boolean).join(" · ");
}

addEventListener("online", () => (draw(), flush()));
addEventListener("offline", draw);
document.addEventListener("visibilitychange", whenSeen);
setInterval(whenSeen, AGAIN);

// Whoever signs out leaves nothing behind; what waits is sent first, or given up by their word.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.getAttribute("action") !== "/sign-out") return;
  event.preventDefault();
  await ready.catch(() => {});
  await flush().catch(() => {});
  const left = (await actions().catch(() => [])).length;
  if (left && !confirm(texts.lose.replace("{count}", left))) return;
  await wipe().catch(() => {});
  form.submit();
}, { capture: true });

