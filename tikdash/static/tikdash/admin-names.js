// What unfold and select2 leave without a name: a chooser that is searched takes the name of the field that it stands for.
(() => {
  const nameOf = (field) => field.getAttribute("aria-label") || field.labels?.[0]?.textContent.replace("*", "").trim() || "";

  function nameChoosers() {
    for (const field of document.querySelectorAll("select.select2-hidden-accessible")) {
      const name = nameOf(field);
      const box = field.nextElementSibling?.querySelector(".select2-selection");
      if (!name || !box || box.getAttribute("aria-label") === name) continue;
      box.removeAttribute("aria-labelledby");
      box.setAttribute("aria-label", name);
      box.querySelector(".select2-selection__rendered")?.setAttribute("aria-label", name);
    }
  }

  document.addEventListener("focusin", (event) => {
    if (event.target.matches?.(".select2-search__field")) event.target.setAttribute("aria-label", "Search");
  });
  document.addEventListener("DOMContentLoaded", () => {
    nameChoosers();
    new MutationObserver(nameChoosers).observe(document.body, { childList: true, subtree: true });
  });
})();
