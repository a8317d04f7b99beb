// Says once that the page is looked at by somebody. Programs that only fetch addresses do not run this.
const seen = document.body.dataset.seen;
function tell() {
  if (document.visibilityState !== "visible") return;
  document.removeEventListener("visibilitychange", tell);
  fetch(seen, { method: "POST", keepalive: true, credentials: "same-origin" }).catch(() => {});
}
document.addEventListener("visibilitychange", tell);
tell();
