// Files that are dropped on a form are chosen in it, and the form is sent. Without script it has its own button.
function over(event) {
  const form = event.target.closest?.("form[data-drop]");
  return form && event.dataTransfer?.types.includes("Files") ? form : null;
}

document.addEventListener("dragover", (event) => {
  const form = over(event);
  if (!form) return;
  event.preventDefault();
  form.setAttribute("data-over", "");
});
document.addEventListener("dragleave", (event) => over(event)?.removeAttribute("data-over"));
document.addEventListener("drop", (event) => {
  const form = over(event);
  if (!form) return;
  event.preventDefault();
  form.removeAttribute("data-over");
  const input = form.querySelector("input[type=file]");
  input.files = event.dataTransfer.files;
  if (input.files.length) form.requestSubmit();
});
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-drop]");
  if (form && event.target.files?.length) form.requestSubmit();
});
