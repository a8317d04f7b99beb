// What this device keeps: what is known for work without the network, and what waits to be sent, in its order.
// Pages and the service worker share it, so it touches no page. `export` stands only where a line begins.

const NAME = "tallystick";
const PATIENCE = 20000;
const CHANNEL = "tallystick-outbox";
const AWAY = new Set([429, 500, 502, 503, 504]);
let database;

function open() {
  database ??= new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("facts");
      asked.result.createObjectStore("actions", { keyPath: "seq", autoIncrement: true });
    };
    asked.onsuccess = () => {
      const forget = () => {
        asked.result.close();
        database = undefined;
      };
      asked.result.onversionchange = forget;
      asked.result.onclose = forget;
      resolve(asked.result);
    };
    asked.onerror = () => {
      database = undefined;
      reject(asked.error);
    };
  });
  return database;
}

async function within(stores, mode, work) {
  // One transaction: done when it is on the disk.
  const transaction = (await open()).transaction(stores, mode, { durability: "strict" });
  return new Promise((resolve, reject) => {
    const asked = work(transaction);
    transaction.oncomplete = () => resolve(asked?.result);
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
  });
}

export function told(result = null) {
  // Every page of this device hears that what waits has changed, and what became of it where it was sent.
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage(result);
  channel.close();
}

export function whenTold(hear) {
  const channel = new BroadcastChannel(CHANNEL);
  channel.onmessage = (event) => hear(event.data);
}

export function newKey() {
  // Also where a page came by http, which has no `randomUUID`.
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export async function known() {
  // What was taken along at the last visit; undefined where there was none.
  return within(["facts"], "readonly", (transaction) => transaction.objectStore("facts").get("known"));
}

export async function learn(facts) {
  await within(["facts"], "readwrite", (transaction) => transaction.objectStore("facts").put({ ...facts, at: Date.now() }, "known"));
}

export async function actions(owner) {
  const all = await within(["actions"], "readonly", (transaction) => transaction.objectStore("actions").getAll());
  return owner ? all.filter((one) => one.owner === owner) : all;
}

export async function add(action) {
  // Keep an action. It has its key and its instant from now on, whenever it is sent.
  const made = { key: newKey(), made: Date.now(), choices: [], tried: false, conflict: null, clock: null, ...action };
  await within(["actions"], "readwrite", (transaction) => transaction.objectStore("actions").add(made));
  told();
  globalThis.registration?.sync?.register("outbox").catch(() => {});
  return made;
}

export async function change(seq, facts, only = () => true) {
  // Change an action that is there, `only` where it is as it must be. Answers it as it is then; null: it was not changed.
  let found = null;
  await within(["actions"], "readwrite", (transaction) => {
    const store = transaction.objectStore("actions");
    store.get(seq).onsuccess = (event) => {
      const now = event.target.result;
      if (!now || !only(now)) return;
      found = { ...now, ...facts };
      store.put(found);
    };
  });
  told();
  return found;
}

export async function drop(...seqs) {
  await within(["actions"], "readwrite", (transaction) => {
    for (const seq of seqs) transaction.objectStore("actions").delete(seq);
  });
  told();
}

export async function wipe(keepsPerson) {
  // Leave nothing of a person behind; `keepsPerson`: but of this one.
  await within(["facts", "actions"], "readwrite", (transaction) => {
    const facts = transaction.objectStore("facts");
    const store = transaction.objectStore("actions");
    if (!keepsPerson) {
      facts.clear();
      store.clear();
      return;
    }
    facts.get("known").onsuccess = (event) => event.target.result && !event.target.result.owner.startsWith(keepsPerson) && facts.clear();
    store.openCursor().onsuccess = (event) => {
      const cursor = event.target.result;
      if (!cursor) return;
      if (!cursor.value.owner.startsWith(keepsPerson)) cursor.delete();
      cursor.continue();
    };
  });
  told();
}

export function ofTimer(action) {
  return action.kind !== "log";
}

export function after(timer, waiting) {
  // The timer as it is when all that waits is done; what is asked about counts for nothing yet.
  for (const action of waiting) {
    if (action.conflict) continue;
    if (action.kind === "start") timer = { id: action.key, ours: true, place: action.place, title: action.title, started: action.made, note: action.note ?? "" };
    else if (timer && action.timer === timer.id && action.kind === "stop") timer = null;
    else if (timer && action.timer === timer.id && action.kind === "note") timer = { ...timer, note: action.note ?? "" };
  }
  return timer;
}

export async function fetchState() {
  // Who is signed in, and what there is: {status, state}. Throws where the network is away.
  const asked = Date.now();
  const response = await fetch("/offline/state", { headers: { "X-Tallystick-Swap": "1" }, credentials: "same-origin", cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
  if (!response.ok) return { status: response.status, state: null };
  const state = await response.json();
  return { status: response.status, state: { ...state, ahead: state.now - (asked + Date.now()) / 2 } };
}

export async function send() {
  // Send what waits, one after the other, from one place of this device at a time. Answers what became of it, and
  // tells it to every page: it may be another tab or the service worker that sent what was kept here.
  const result = { sent: 0, away: false, signedOut: false };
  const work = () => deliver(result).catch(() => (result.away = true));
  await (navigator.locks ? navigator.locks.request(CHANNEL, work) : work());
  told(result);
  return result;
}

async function deliver(result) {
  if (!(await actions()).some((one) => !one.conflict)) return;
  const { status, state } = await fetchState();
  if (!state) {
    result.signedOut = status === 401;
    result.away = !result.signedOut;
    return;
  }
  await learn(state);
  let held = false; // a question about the timer stands: what came behind it waits for the answer
  for (const { seq } of await actions(state.owner)) {
    const known = (await actions(state.owner)).find((one) => one.seq === seq);
    if (!known) continue;
    if (known.conflict || (held && ofTimer(known))) {
      held ||= ofTimer(known);
      continue;
    }
    const action = await change(seq, { tried: true }); // as it is now: its note may have been written anew
    if (!action) continue;
    const response = await fetch("/offline/send", {
      method: "POST",
      headers: { "X-Tallystick-Swap": "1", "X-CSRF-Token": state.csrf },
      credentials: "same-origin",
      body: fieldsOf(action),
      signal: AbortSignal.timeout(PATIENCE),
    });
    if (response.ok) {
      await drop(seq);
      result.sent += 1;
    } else if (response.status === 401) {
      result.signedOut = true;
      return;
    } else if (AWAY.has(response.status) || response.status === 403) {
      result.away = true;
      return;
    } else {
      const { said, problem, reason, facts } = await response.json();
      await change(seq, { conflict: { said: said ?? problem ?? "", reason: reason ?? "", facts: facts ?? {} }, tried: false });
      held ||= ofTimer(action);
    }
  }
}

function fieldsOf(action) {
  const iso = (instant) => new Date(instant).toISOString();
  const fields = {
    owner: action.owner, key: action.key, kind: action.kind, made_at: iso(action.made), sent_at: iso(Date.now()),
    ahead: action.ahead == null ? "" : String(Math.round(action.ahead)), choices: action.choices.join(","), clock: action.clock ?? "",
    place: action.place ?? "", note: action.note ?? "", timer: action.timer ?? "", expects: action.expects ?? "",
    date: action.date ?? "", duration: action.duration ?? "",
    started_at: action.started ? iso(action.started) : "", stopped_at: action.stopped ? iso(action.stopped) : "",
  };
  return new URLSearchParams(fields);
}
