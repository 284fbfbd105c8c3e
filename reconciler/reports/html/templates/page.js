"use strict";
// Filters of the list of changes, and links from the drawing into it. Without this script all changes are shown.
(() => {
  const form = document.getElementById("filters");
  const open = () => {
    const there = location.hash && document.getElementById(location.hash.slice(1));
    if (there instanceof HTMLDetailsElement) {
      there.hidden = false;
      there.open = true;
    }
  };
  addEventListener("hashchange", open);
  open();
  if (!form) return;
  form.hidden = false;
  const changes = [...document.querySelectorAll("details[data-action]")].map((element) => ({
    element,
    text: element.textContent.toLowerCase(),
    ...element.dataset,
  }));
  const found = document.getElementById("found");
  const filter = () => {
    const told = new FormData(form);
    const words = told.get("text").toLowerCase().split(/\s+/).filter(Boolean);
    const actions = new Set(told.getAll("action"));
    const kind = told.get("kind");
    const origin = told.get("origin");
    const held = told.has("held");
    let count = 0;
    for (const one of changes) {
      const shown =
        actions.has(one.action) &&
        (!kind || one.kind === kind) &&
        (!origin || one.origin === origin) &&
        (!held || one.held !== undefined) &&
        words.every((word) => one.text.includes(word));
      if (one.element.hidden === shown) one.element.hidden = !shown;
      count += shown;
    }
    found.value = count === changes.length ? "" : `${count} of ${changes.length} shown`;
  };
  let waiting = 0;
  form.addEventListener("input", () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(filter);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  filter();
})();
