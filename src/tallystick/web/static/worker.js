// The service worker. Before it stands what it keeps (`VERSION`, `FILES`, `AWAY_PAGES`), and outbox.js.
// It keeps the files of the shell and a page that knows nobody; pages of people come from the server, or not at all.

const STORE = `tallystick-${VERSION}`;

addEventListener("install", (event) => {
  event.waitUntil(caches.open(STORE).then((store) => store.addAll([...FILES, ...Object.values(AWAY_PAGES)])).then(() => skipWaiting()));
});

addEventListener("activate", (event) => {
  const old = (names) => names.filter((name) => name.startsWith("tallystick-") && name !== STORE);
  event.waitUntil(caches.keys().then((names) => Promise.all(old(names).map((name) => caches.delete(name)))).then(() => clients.claim()));
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (url.pathname.startsWith("/static/")) event.respondWith(file(request));
  else if (request.mode === "navigate") event.respondWith(fetch(request).catch(awayPage));
});

addEventListener("sync", (event) => {
  if (event.tag !== "outbox") return;
  event.waitUntil(send().then(({ away }) => {
    if (away) throw new Error("The network is away still.");
  }));
});

async function file(request) {
  const store = await caches.open(STORE);
  return (await store.match(request)) ?? fetch(request);
}

async function awayPage() {
  const facts = await known().catch(() => undefined);
  const language = facts?.language ?? navigator.language.slice(0, 2);
  const store = await caches.open(STORE);
  return (await store.match(AWAY_PAGES[language] ?? AWAY_PAGES.en)) ?? Response.error();
}
