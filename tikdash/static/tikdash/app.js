// What every page needs: theme choice, menus, words for screen readers, broken pictures, failed requests.
(function () {
  "use strict";

  const inPage = document.getElementById("words");
  const translated = inPage ? JSON.parse(inPage.textContent).said : {};
  const t = (text) => translated[text] || text;

  const root = document.documentElement;

  function storedTheme() {
    try {
      return window.localStorage.getItem("tikdash.theme") || "auto";
    } catch (blocked) {
      return root.dataset.theme || "auto";
    }
  }

  function showTheme(choice) {
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice));
    }
  }

  function chooseTheme(choice) {
    if (choice === "auto") delete root.dataset.theme;
    else root.dataset.theme = choice;
    try {
      window.localStorage.setItem("tikdash.theme", choice);
    } catch (blocked) {
      // The choice then holds for this page only.
    }
    showTheme(choice);
    document.dispatchEvent(new CustomEvent("tikdash:theme"));
  }

  function setUpTheme() {
    for (const group of document.querySelectorAll("[data-theme-switch]")) group.hidden = false;
    showTheme(storedTheme());
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", function () {
      document.dispatchEvent(new CustomEvent("tikdash:theme"));
    });
  }

  function closeMenus(except) {
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      if (menu !== except) menu.open = false;
    }
  }

  document.addEventListener("click", function (event) {
    const target = event.target instanceof Element ? event.target : null;
    if (!target) return;
    closeMenus(target.closest("details[data-menu]"));
    const choice = target.closest("[data-theme-choice]");
    if (choice) chooseTheme(choice.dataset.themeChoice);
  });

  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    const open = document.querySelector("details[data-menu][open]");
    if (!open) return;
    open.open = false;
    open.querySelector("summary").focus();
  });

  // Where a copy is missing, the letter or the sign underneath is the picture. Errors do not bubble.
  function dropPicture(picture) {
    if (picture instanceof HTMLImageElement && "picture" in picture.dataset) picture.remove();
  }

  document.addEventListener("error", (event) => dropPicture(event.target), true);

  function dropBrokenPictures() {
    for (const picture of document.querySelectorAll("img[data-picture]")) {
      if (picture.complete && picture.naturalWidth === 0 && picture.currentSrc) dropPicture(picture);
    }
  }

  // A live region inside a swapped fragment is new to the screen reader and stays silent, so one region of the
  // page speaks for all. A fragment that polls (data-announce-once) says each sentence once.
  const announced = new Map();

  function announce(element) {
    const live = document.getElementById("live");
    const words = element.dataset.announce;
    if (!live || !words) return;
    if ("announceOnce" in element.dataset && announced.get(element.id) === words) return;
    announced.set(element.id, words);
    live.textContent = "";
    window.setTimeout(() => (live.textContent = words), 50);
  }

  let troubleTimer = 0;

  function showTrouble(words) {
    const box = document.getElementById("trouble");
    if (!box) return;
    box.textContent = words;
    box.hidden = false;
    window.clearTimeout(troubleTimer);
    troubleTimer = window.setTimeout(() => (box.hidden = true), 8000);
  }

  function hideTrouble() {
    const box = document.getElementById("trouble");
    if (box) box.hidden = true;
  }

  function wordsForStatus(status) {
    if (status === 403 && "look" in document.body.dataset) return t("You only look: nothing can be changed.");
    if (status === 403) return t("This page is too old for that. Load it again and repeat.");
    if (status === 404) return t("That is not here any more. Load the page again.");
    if (status === 429) return t("That was too often. Wait a moment and try again.");
    if (status === 503) return t("The database does not answer. Nothing is lost; try again in a moment.");
    return t("The server could not do that. Try again in a moment.");
  }

  // An empty filter says nothing; without it the address is the one that a person would share.
  document.addEventListener("htmx:configRequest", function (event) {
    if (event.detail.verb !== "get") return;
    for (const [name, value] of [...event.detail.formData]) {
      if (value === "") event.detail.formData.delete(name);
    }
  });

  // A session that ended answers with the sign-in page; a fragment is no place for it.
  document.addEventListener("htmx:beforeSwap", function (event) {
    const path = document.body.dataset.loginPath;
    const answered = event.detail.xhr.responseURL;
    if (path && answered && new URL(answered).pathname === path) {
      event.detail.shouldSwap = false;
      window.location.reload();
    }
  });

  document.addEventListener("htmx:afterRequest", function (event) {
    if (event.detail.successful) hideTrouble();
  });
  document.addEventListener("htmx:responseError", (event) => showTrouble(wordsForStatus(event.detail.xhr.status)));
  document.addEventListener("htmx:sendError", () => showTrouble(t("The server cannot be reached. Look at your connection.")));
  document.addEventListener("htmx:timeout", () => showTrouble(t("The server takes too long. Try again in a moment.")));

  document.addEventListener("htmx:afterSettle", function (event) {
    const element = event.detail.elt;
    if (!(element instanceof Element)) return;
    // A piece that only came along with the one that was asked for has nothing to say.
    const asked = event.detail.target;
    if (asked && asked.id && element.id && asked.id !== element.id) return;
    const speaker = element.matches("[data-announce]") ? element : element.querySelector("[data-announce]");
    if (speaker) announce(speaker);
  });

  // A form that makes something of this person's says where they are; they can change it later.
  function fillTimeZone() {
    for (const field of document.querySelectorAll("input[data-time-zone]")) {
      if (!field.value) field.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
    }
  }

  function setUp() {
    setUpTheme();
    fillTimeZone();
    dropBrokenPictures();
    for (const element of document.querySelectorAll("[data-announce]")) announced.set(element.id, element.dataset.announce);
  }

  setUp();
})();
