// What goes wrong with a passkey is said in the page; the form stays, so that another way in can be taken.
(function () {
  "use strict";

  document.addEventListener("allauth.error", function (event) {
    const box = document.querySelector("[data-passkey-trouble]");
    const why = event.detail.exception;
    if (!box) return;
    event.preventDefault();
    // The window of the browser was closed, or it timed out: nobody has to be told what they just did.
    box.hidden = why && why.name === "AbortError";
    const word = why && why.name === "InvalidStateError" ? "known" : "failed";
    for (const sentence of box.querySelectorAll("[data-when]")) sentence.hidden = sentence.dataset.when !== word;
  });
})();
