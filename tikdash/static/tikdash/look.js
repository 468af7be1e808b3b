// How long a look of staff still lasts; at its end the page is asked for again, and says that it is over.
(function () {
  "use strict";

  const left = document.querySelector("[data-look-until]");
  if (!left) return;
  const until = Date.parse(left.dataset.lookUntil);

  function show() {
    const seconds = Math.ceil((until - Date.now()) / 1000);
    if (seconds <= 0) {
      window.clearInterval(ticking);
      window.location.reload();
      return;
    }
    left.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }

  const ticking = window.setInterval(show, 1000);
  show();
})();
