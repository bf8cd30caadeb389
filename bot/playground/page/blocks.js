// What blocks and modals do by themselves in the browser: dates in its own time zone, dialogs that
// open, the focus that stays when something is drawn anew.
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
  // An app gives a block another ID where its state is another: then its number in the message counts.
  const placeOf = (element) => {
    const control = element?.closest?.("[data-at]");
    const message = control?.closest("article[data-ts]");
    return {
      element,
      at: control?.dataset.at,
      root: element?.closest?.("dialog, aside, main"),
      ts: message?.dataset.ts,
      number: message ? [...message.querySelectorAll("[data-at]")].indexOf(control) : -1,
    };
  };

  const findAgain = ({ element, at, root, ts, number }) => {
    if (element?.isConnected) return element;
    if (!at) return null;
    const within = root?.isConnected ? root : document;
    const same = within.querySelector(`[data-at="${CSS.escape(at)}"]`);
    if (same || !ts) return same;
    const message = within.querySelector(`article[data-ts="${CSS.escape(ts)}"]`);
    return message?.querySelectorAll("[data-at]")[number] ?? null;
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

  const isInSight = (field) => {
    const body = field.closest(".bk-dialog-body").getBoundingClientRect();
    return field.getBoundingClientRect().bottom <= body.bottom;
  };

  // A dialog opens at its top, to be read: a field that is further down is not begun with.
  const startIn = (root) => {
    const field = root.querySelector(".bk-dialog-body :is(input, select, textarea, [contenteditable]):not(.bk-away *)");
    const first = root.querySelector("[data-autofocus]")
      ?? (field && isInSight(field) ? field : root.querySelector("[data-start]"));
    first?.focus({ preventScroll: true });
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

  // Links of Markdown lose their target when they are sanitised: they too leave this page open.

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.(".bk-markdown a[href]");
    if (link) Object.assign(link, { target: "_blank", rel: "noopener noreferrer" });
  }, true);

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
