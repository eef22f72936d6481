// Fields that mean something only beside a value of another one are seen then, or when something stands in them.
// Without scripts all are seen.

const TYPED = "input:not([type=checkbox], [type=radio], [type=file]), textarea, select";

function given(form, name) {
  return new FormData(form).getAll(name).map((each) => String(each).trim()).filter(Boolean);
}

/** What counts for a field that is left as it is: what its list of choices shows. */
function chosen(form, name) {
  const control = form.elements.namedItem(name);
  const shown = control instanceof HTMLSelectElement ? [control.selectedOptions[0]?.textContent.trim() ?? ""] : [];
  return [...given(form, name), ...shown];
}

function isTouched(field) {
  const typed = [...field.querySelectorAll(TYPED)].some((each) => each.name && each.value.trim() !== "");
  return typed || field.classList.contains("is-wrong");
}

export function reveal(form) {
  for (const field of form.querySelectorAll("[data-beside]")) {
    const values = field.dataset.values.split(" ").filter(Boolean);
    const there = values.length ? chosen(form, field.dataset.beside) : given(form, field.dataset.beside);
    const belongs = values.length ? there.some((each) => values.includes(each)) : there.length > 0;
    field.hidden = !belongs && !isTouched(field) && !field.contains(document.activeElement);
  }
}
