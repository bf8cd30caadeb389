// What blocks, modals and menus do by themselves in the browser: dates in its own time zone,
// dialogs that open, the focus that stays when something is drawn anew, menus by keyboard.
(() => {
  "use strict";

  // Dates: Slack's tokens, written in the browser's language and time zone.

  const day = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());
  const format = (date, options) => new Intl.DateTimeFormat(undefined, options).format(date);
  const YEARLY = { year: "numeric" };
  const SHORT = { month: "short", day: "numeric" };
  const NORMAL = { month: "long", day: "numeric" };
  const LONG = { weekday: "long", month: "long", day: "numeric" };

  const pretty = (date, otherwise) => {
    const days = Math.round((day(date) - day(new Date())) / 86400000);
    if (Math.abs(days) > 1) return otherwise;
    return new Intl.RelativeTimeFormat(undefined, { numeric: "auto" }).format(days, "day");
  };

  const ago = (date) => {
    const seconds = (date - Date.now()) / 1000;
    const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
    for (const [unit, size] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
      if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
    }
    return relative.format(Math.trunc(seconds), "second");
  };

  const TOKENS = {
    date_num: (date) =>
      [date.getFullYear(), date.getMonth() + 1, date.getDate()]
        .map((part) => String(part).padStart(2, "0")).join("-"),
    date_slash: (date) => format(date, { year: "numeric", month: "2-digit", day: "2-digit" }),
    date: (date) => format(date, { ...NORMAL, ...YEARLY }),
    date_pretty: (date) => pretty(date, format(date, { ...NORMAL, ...YEARLY })),
    date_short: (date) => format(date, { ...SHORT, ...YEARLY }),
    date_short_pretty: (date) => pretty(date, format(date, { ...SHORT, ...YEARLY })),
    date_long: (date) => format(date, { ...LONG, ...YEARLY }),
    date_long_pretty: (date) => pretty(date, format(date, { ...LONG, ...YEARLY })),
    date_long_full: (date) => format(date, { ...LONG, ...YEARLY }),
    date_long_pretty_full: (date) => pretty(date, format(date, { ...LONG, ...YEARLY })),
    day_divider_pretty: (date) => pretty(date, format(date, LONG)),
    time: (date) => format(date, { hour: "numeric", minute: "2-digit" }),
    time_secs: (date) => format(date, { hour: "numeric", minute: "2-digit", second: "2-digit" }),
    ago,
  };

  // A format with a token that nobody knows leaves the fallback standing, as in Slack.
  const writeTime = (element) => {
    const date = new Date(Number(element.dataset.epoch) * 1000);
    let known = !Number.isNaN(date.getTime());
    const written = element.dataset.format.replace(/\{(\w+)\}/g, (whole, token) => {
      known = known && token in TOKENS;
      return known ? TOKENS[token](date) : whole;
    });
    if (!known || element.textContent === written) return;
    element.textContent = written;
    element.dateTime = date.toISOString();
    element.title = format(date, { dateStyle: "full", timeStyle: "long" });
  };

  const writeMoment = (input) => {
    const date = new Date(Number(input.dataset.moment) * 1000);
    const local = new Date(date.getTime() - date.getTimezoneOffset() * 60000);
    input.value = local.toISOString().slice(0, 16);
  };

  setInterval(() => document.querySelectorAll("time[data-format*=ago]").forEach(writeTime), 10000);

  // Focus: what had it and was drawn anew has it again, with what was typed and the caret.

  let focused = null;

  // A message can stand in the channel and in its thread's panel: each is looked for where it was.
  const placeOf = (element) => ({
    element,
    at: element?.closest?.("[data-at]")?.dataset.at,
    root: element?.closest?.("dialog, aside, main"),
  });

  const findAgain = ({ element, at, root }) => {
    if (element?.isConnected) return element;
    const within = root?.isConnected ? root : document;
    return at ? within.querySelector(`[data-at="${CSS.escape(at)}"]`) : null;
  };

  const isField = (element) => element.matches?.("textarea, input:not([type=checkbox], [type=radio], [type=file])");

  const restore = () => {
    if (!focused || focused.element.isConnected || document.activeElement !== document.body) return;
    const old = focused.element;
    const again = findAgain(focused);
    if (!again) return;
    if (isField(old) && isField(again) && again.value !== old.value) {
      again.value = old.value;
      again.dispatchEvent(new Event("input", { bubbles: true }));
    }
    again.focus({ preventScroll: true });
    if (old.selectionStart != null && again.setSelectionRange) {
      try { again.setSelectionRange(old.selectionStart, old.selectionEnd); } catch { /* no caret in this kind of field */ }
    }
  };

  document.addEventListener("focusin", (event) => {
    focused = placeOf(event.target);
  });
  document.addEventListener("focusout", (event) => {
    // Taken out of the page is not left: only what still stands afterwards was left.
    queueMicrotask(() => {
      if (event.target.isConnected && focused?.element === event.target) focused = null;
    });
  });

  // Dialogs: open when they appear; what had the focus before has it again when they are gone.

  const openers = new Map();

  const startIn = (root) => {
    const first = root.querySelector("[data-autofocus]")
      ?? root.querySelector(".bk-dialog-body :is(input, select, textarea, [contenteditable]):not(.bk-away *)")
      ?? root.querySelector("[data-start]");
    first?.focus();
  };

  const open = (dialog) => {
    if (dialog.open) return;
    openers.set(dialog, placeOf(document.activeElement));
    dialog.showModal();
    startIn(dialog);
  };

  const returnFocus = () => {
    for (const [dialog, opener] of openers) {
      if (dialog.isConnected) continue;
      openers.delete(dialog);
      const again = findAgain(opener);
      if (again && again !== document.body) again.focus({ preventScroll: true });
    }
  };

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

  // Links of Markdown lose their target when they are sanitised: they too leave this page open.

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.(".bk-markdown a[href]");
    if (link) Object.assign(link, { target: "_blank", rel: "noopener noreferrer" });
  }, true);

  // Typing: what is left of a limit, from its last tenth on; and the list of a search reopens.

  document.addEventListener("input", (event) => {
    const field = event.target;
    if (field.matches(".bk-search [role=combobox]")) setOpen(field, true);
    const most = Number(field.dataset.limit);
    if (!most) return;
    const counter = document.getElementById(field.dataset.counter);
    if (counter) counter.textContent = field.value.length > most * 0.9 ? most - field.value.length : "";
  });

  // Files: each goes to the page's server as soon as it is chosen.

  document.addEventListener("change", async (event) => {
    const field = event.target;
    if (!field.matches("input[type=file][data-upload]")) return;
    for (const file of [...field.files]) {
      const form = new FormData();
      form.append("file", file, file.name);
      await fetch(field.dataset.upload, { method: "POST", body: form });
    }
    field.value = "";
  });

  // Everything that appears later.

  const within = (root, selector, act) => {
    if (root.matches?.(selector)) act(root);
    root.querySelectorAll?.(selector).forEach(act);
  };

  // What was refused has the focus: the first of the fields that were drawn anew with an error.
  const startMending = (records) => {
    const wrong = records.flatMap((record) => [...record.addedNodes])
      .flatMap((node) => [node, ...(node.querySelectorAll?.("[aria-invalid=true]") ?? [])])
      .find((node) => node.matches?.("[aria-invalid=true]"));
    (wrong?.matches("input, select, textarea") ? wrong : wrong?.querySelector("input"))?.focus();
  };

  const settle = (records) => {
    for (const record of records) {
      for (const node of record.addedNodes) {
        within(node, "time[data-format]", writeTime);
        within(node, "input[data-moment]", writeMoment);
        within(node, "dialog[data-modal]", open);
        within(node, "form[data-view]", (form) => {
          if (form.closest("dialog")?.open) startIn(form);
        });
      }
    }
    startMending(records);
    returnFocus();
    restore();
  };

  document.addEventListener("DOMContentLoaded", () => {
    new MutationObserver(settle).observe(document.body, { childList: true, subtree: true });
    settle([{ addedNodes: [document.body] }]);
  });
})();
