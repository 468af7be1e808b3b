// On a narrow screen the tabs scroll: the one that is open is brought into sight.
(function () {
  "use strict";

  function show() {
    const bar = document.getElementById("account-tabs");
    const open = bar?.querySelector("[aria-current]");
    if (open) bar.scrollLeft = open.offsetLeft - (bar.clientWidth - open.offsetWidth) / 2;
  }

  document.addEventListener("htmx:afterSettle", show);
  show();
})();
