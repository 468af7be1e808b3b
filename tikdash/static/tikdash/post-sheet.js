// A post over the list it was opened from. Without this file its link opens the post's own page.
(function () {
  "use strict";

  document.addEventListener("click", function (event) {
    // The backdrop belongs to the dialog itself, what is in front of it does not.
    if (event.target instanceof HTMLDialogElement && event.target.id === "sheet") return event.target.close();
    // Rows of long lists carry nothing for htmx: it would look at each of them.
    const link = event.target instanceof Element ? event.target.closest("a[data-post]:not([hx-get])") : null;
    if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    window.htmx.ajax("GET", link.href, { target: "#sheet-content", swap: "innerHTML" });
  });

  document.addEventListener("htmx:afterSettle", function (event) {
    const target = event.detail.target;
    if (!(target instanceof Element) || target.id !== "sheet-content") return;
    const sheet = target.closest("dialog");
    if (!sheet.open) sheet.showModal();
    sheet.scrollTop = 0;
    target.querySelector("#sheet-title")?.focus({ preventScroll: true });
  });
})();
