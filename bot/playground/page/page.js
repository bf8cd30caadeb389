// What the page notices for itself: keys that work everywhere, going back, being looked at.
(() => {
  const isOpen = () => document.querySelector(".q-dialog, .q-menu, dialog[open], [role=dialog]") !== null;
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented) return;
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      if (!isOpen()) emitEvent("slack-switch");
    } else if (event.altKey && ["ArrowUp", "ArrowDown"].includes(event.key) && !isOpen()) {
      event.preventDefault();
      emitEvent("slack-step", event.key === "ArrowUp" ? -1 : 1);
    } else if (event.key === "Escape" && !isOpen()) {
      emitEvent("slack-escape");
    }
  });
  window.addEventListener("popstate", () => {
    emitEvent("slack-moved", Object.fromEntries(new URLSearchParams(location.search)));
  });
  document.addEventListener("visibilitychange", () => {
    emitEvent("slack-looked-at", document.visibilityState === "visible");
  });
})();
