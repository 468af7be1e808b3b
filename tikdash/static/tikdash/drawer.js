// The drawer of a post: it takes the focus when it opens and gives it back when it closes; Escape closes it.
(function () {
  "use strict";

  let opener = "";

  function open() {
    return document.querySelector("[data-drawer]");
  }

  document.addEventListener("click", function (event) {
    const link = event.target instanceof Element ? event.target.closest("[hx-target='#drawer']:not([data-drawer-close])") : null;
    if (link) opener = link.id;
  });

  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape" || event.defaultPrevented || !open()) return;
    if (document.querySelector("details[data-menu][open]")) return;
    open().querySelector("[data-drawer-close]").click();
  });

  document.addEventListener("htmx:afterSettle", function (event) {
    if (!(event.detail.elt instanceof Element) || event.detail.elt.id !== "drawer") return;
    const drawer = open();
    if (drawer) drawer.focus({ preventScroll: true });
    else if (opener) document.getElementById(opener)?.focus({ preventScroll: true });
  });
})();
