// Loaded before anything is painted, so that a chosen theme never flashes the other one first.
(function () {
  "use strict";
  var root = document.documentElement;
  root.classList.add("js");
  try {
    var chosen = window.localStorage.getItem("tikdash.theme");
    if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  } catch (blocked) {
    // Storage may be blocked; the system's theme is then the answer.
  }
})();
