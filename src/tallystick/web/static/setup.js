// The set-up page: takes the code from behind the # of the address, and the time zone from the browser.

const code = document.getElementById("code");
const given = location.hash.slice(1);
if (code && given) {
  code.value = given;
  history.replaceState(null, "", location.pathname); // not into the history
}
if (code?.value) document.getElementById("code-field").hidden = !document.querySelector("[role=alert]");

const zone = document.getElementById("time_zone");
const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone?.value === "UTC" && [...zone.options].some((one) => one.value === here)) zone.value = here;
document.getElementById("workspace")?.focus();
