// The drawer of a post, over the list that it was opened from. Without this file its links open pages.
(function () {
  "use strict";

  const drawer = document.getElementById("drawer");
  const content = document.getElementById("drawer-content");
  // The address to return to where the open post stands in the address.
  let behind = "";

  function open() {
    if (!drawer.open) drawer.showModal();
    drawer.scrollTop = 0;
    content.querySelector("#drawer-title")?.focus({ preventScroll: true });
  }

  document.addEventListener("htmx:beforeRequest", function (event) {
    if (event.detail.target === content && !drawer.open) behind = window.location.href;
  });

  document.addEventListener("htmx:afterSettle", function (event) {
    if (event.detail.target === content) open();
  });

  document.addEventListener("click", function (event) {
    const control = event.target instanceof Element ? event.target.closest("[data-drawer-close]") : null;
    // The backdrop belongs to the dialog itself, what is in front of it does not.
    if (!control && event.target !== drawer) return;
    if (control instanceof HTMLAnchorElement) behind = control.href;
    event.preventDefault();
    drawer.close();
  });

  // Rows of long lists carry nothing for htmx: it would look at each of them.
  document.addEventListener("click", function (event) {
    const link = event.target instanceof Element ? event.target.closest("a[data-post]:not([hx-get])") : null;
    if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    window.htmx.ajax("GET", link.href, { target: "#drawer-content", swap: "innerHTML" });
  });

  // Escape closes an open explanation first.
  drawer.addEventListener("cancel", function (event) {
    if (content.querySelector("details[data-menu][open]")) event.preventDefault();
  });

  drawer.addEventListener("close", function () {
    content.replaceChildren();
    // As HTMX writes it, so that it brings the page of this address when one goes back to it.
    if (behind && behind !== window.location.href) window.history.pushState({ htmx: true }, "", behind);
    behind = "";
  });

  // The address had a post: the server has opened it, without the backdrop and the focus that only a script can give.
  if (drawer.open) {
    drawer.removeAttribute("open");
    behind = content.querySelector("a[data-drawer-close]")?.href || "";
    open();
  }
})();
