// Keyboard: g and a letter goes to a page, / to the search field, ? shows all. They can be switched off in the help.
(function () {
  "use strict";

  const help = document.getElementById("keys");
  if (!help) return;
  const goals = new Map([...document.querySelectorAll("[data-key]")].map((link) => [link.dataset.key, link]));
  const choice = help.querySelector("input");
  let waitsForGoal = 0;

  function areOn() {
    try {
      return window.localStorage.getItem("tikdash.keys") !== "off";
    } catch (blocked) {
      return true;
    }
  }

  function choose() {
    try {
      window.localStorage.setItem("tikdash.keys", choice.checked ? "on" : "off");
    } catch (blocked) {
      // The choice then holds for this page only.
    }
  }

  function isTyping(element) {
    return element instanceof HTMLElement && element.matches("input, select, textarea, [contenteditable]");
  }

  function showHelp() {
    choice.checked = areOn();
    help.showModal();
  }

  function press(key) {
    if (Date.now() - waitsForGoal < 1500 && goals.has(key)) {
      waitsForGoal = 0;
      goals.get(key).click();
      return true;
    }
    waitsForGoal = key === "g" ? Date.now() : 0;
    if (key === "?") {
      showHelp();
      return true;
    }
    const field = key === "/" && document.querySelector("[data-search], input[type=search]");
    if (!field) return false;
    field.focus();
    field.select();
    return true;
  }

  document.addEventListener("keydown", function (event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]") || !areOn()) return;
    if (press(event.key)) event.preventDefault();
  });

  document.addEventListener("click", function (event) {
    if (event.target instanceof Element && event.target.closest("[data-keys-help]")) showHelp();
    if (event.target === help) help.close();
  });

  choice.addEventListener("change", choose);
})();
