// A long list goes on before somebody reaches its end: the next rows are fetched ahead and put in a few at a time, so
// that no frame waits for all of them. Without this file the last row's link leads to the next page.
(function () {
  "use strict";

  const AHEAD_PX = 2400;
  const END = "tr[data-more]";

  const turn = () =>
    new Promise((go) => {
      if (window.requestIdleCallback) window.requestIdleCallback(go, { timeout: 120 });
      else window.setTimeout(go, 16);
    });

  async function load(row) {
    const end = row.closest("tbody");
    row.classList.add("htmx-request");
    try {
      const answer = await fetch(row.dataset.more, { headers: { "HX-Request": "true" } });
      if (answer.redirected) return window.location.reload();
      if (!answer.ok) return;
      for (const rows of (await answer.text()).split(/(?=<tbody)/)) {
        await turn();
        // Another list may have taken the place of this one.
        if (!end.isConnected) return;
        if (rows.startsWith("<tbody")) end.insertAdjacentHTML("beforebegin", rows);
      }
      end.remove();
      watch();
    } catch (unreachable) {
      // The link stays, and says what is wrong when it is followed.
    } finally {
      row.classList.remove("htmx-request");
    }
  }

  const ends = new IntersectionObserver(
    function (entries) {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        ends.unobserve(entry.target);
        load(entry.target);
      }
    },
    { rootMargin: `0px 0px ${AHEAD_PX}px 0px` }
  );

  function watch() {
    ends.disconnect();
    for (const row of document.querySelectorAll(END)) ends.observe(row);
  }

  document.addEventListener("htmx:afterSettle", watch);
  watch();
})();
