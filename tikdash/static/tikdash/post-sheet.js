// A post over the list it was opened from. Without this file its link opens the post's own page.
(function () {
  "use strict";

  document.addEventListener("htmx:afterSettle", function (event) {
    const target = event.detail.target;
    if (!(target instanceof Element) || target.id !== "sheet-content") return;
    const sheet = target.closest("dialog");
    if (!sheet.open) sheet.showModal();
    sheet.scrollTop = 0;
    target.querySelector("#sheet-title")?.focus({ preventScroll: true });
  });

  document.addEventListener("click", function (event) {
    // The backdrop belongs to the dialog itself, what is in front of it does not.
    if (event.target instanceof HTMLDialogElement && event.target.id === "sheet") event.target.close();
  });
})();
