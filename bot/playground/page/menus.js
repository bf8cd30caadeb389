// Menus and search fields by keyboard, and what typing does at once.
(() => {
  "use strict";

  // Menus: beside their button, and by arrow keys.

  document.addEventListener("beforetoggle", (event) => {
    if (event.newState !== "open" || !event.target.matches(".bk-menu")) return;
    const button = document.querySelector(`[popovertarget="${event.target.id}"]`);
    const box = button.getBoundingClientRect();
    const style = event.target.style;
    const isLow = box.bottom > innerHeight * 0.65;
    style.top = isLow ? "auto" : `${box.bottom + 4}px`;
    style.bottom = isLow ? `${innerHeight - box.top + 4}px` : "auto";
    const isLeft = box.left < innerWidth / 2;
    style.left = isLeft ? `${box.left}px` : "auto";
    style.right = isLeft ? "auto" : `${innerWidth - box.right}px`;
  }, true);

  document.addEventListener("toggle", (event) => {
    if (event.newState === "open" && event.target.matches(".bk-menu")) {
      event.target.querySelector("[role=menuitem]")?.focus();
    }
  }, true);

  const step = (items, now, key) => {
    const at = items.indexOf(now);
    if (key === "Home") return items[0];
    if (key === "End") return items.at(-1);
    if (key === "ArrowDown") return items[(at + 1) % items.length];
    return items[(at <= 0 ? items.length : at) - 1];
  };

  const inMenu = (event, menu) => {
    if (!["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) return;
    event.preventDefault();
    step([...menu.querySelectorAll("[role=menuitem]")], document.activeElement, event.key)?.focus();
  };

  // Search fields: the list opens with the focus; arrows move in it, Enter takes, Esc closes.

  const listOf = (field) => document.getElementById(field.getAttribute("aria-controls"));
  const isOpen = (field) => field.getAttribute("aria-expanded") === "true";

  const setOpen = (field, open) => {
    field.setAttribute("aria-expanded", String(open));
    listOf(field)?.toggleAttribute("data-open", open);
    if (!open) setActive(field, null);
  };

  const setActive = (field, option) => {
    listOf(field)?.querySelectorAll("[data-active]").forEach((each) => each.removeAttribute("data-active"));
    if (!option) return field.removeAttribute("aria-activedescendant");
    option.setAttribute("data-active", "");
    field.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  };

  const inSearch = (event, field) => {
    const list = listOf(field);
    const options = [...list.querySelectorAll("[role=option]")];
    const active = list.querySelector("[data-active]");
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setOpen(field, true);
      if (options.length) setActive(field, step(options, active, event.key));
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (isOpen(field)) (active ?? (field.value ? options[0] : null))?.click();
    } else if (event.key === "Escape" && isOpen(field)) {
      event.preventDefault();
      event.stopPropagation();
      setOpen(field, false);
    } else if (event.key === "Backspace" && !field.value) {
      [...field.closest(".bk-search").querySelectorAll(".bk-chip button")].at(-1)?.click();
    }
  };

  document.addEventListener("keydown", (event) => {
    const menu = event.target.closest?.(".bk-menu");
    if (menu) inMenu(event, menu);
    if (event.target.matches?.(".bk-search [role=combobox]")) inSearch(event, event.target);
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches?.("textarea")) {
      event.target.closest("dialog form")?.requestSubmit();
    }
  }, true);

  document.addEventListener("focusin", (event) => {
    if (event.target.matches(".bk-search [role=combobox]")) setOpen(event.target, true);
  });
  document.addEventListener("focusout", (event) => {
    if (event.target.matches(".bk-search [role=combobox]")) setOpen(event.target, false);
  });
  document.addEventListener("mousedown", (event) => {
    if (event.target.closest(".bk-options")) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    const search = event.target.closest?.(".bk-options")?.closest(".bk-search");
    if (search && event.target.closest("[role=option]")) {
      const field = search.querySelector("[role=combobox]");
      field.value = "";
      setOpen(field, false);
    } else if (event.target.matches?.(".bk-search [role=combobox]")) {
      setOpen(event.target, true);
    }
  });

  // Typing: what is left of a limit, from its last tenth on; and the list of a search reopens.

  document.addEventListener("input", (event) => {
    const field = event.target;
    if (field.matches(".bk-search [role=combobox]")) setOpen(field, true);
    const most = Number(field.dataset.limit);
    if (!most) return;
    const counter = document.getElementById(field.dataset.counter);
    if (counter) counter.textContent = field.value.length > most * 0.9 ? most - field.value.length : "";
  });
})();
