// Files that people bring along: each goes to the page's server as soon as it is chosen.

// Resolves to the file's ID. Rejects where the server does not take it or is not there.
const uploadFile = async (url, file) => {
  const target = `${url}?name=${encodeURIComponent(file.name)}`;
  const answer = await fetch(target, { method: "POST", body: file });
  if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
  return (await answer.json()).id;
};

// Fields for files in modals. A form is busy while its files are under way, and not submitted.
(() => {
  "use strict";

  // The field may be drawn anew meanwhile: then its successor is the one that tells of the files.
  const standing = (form, at) => form.querySelector(`[data-at="${CSS.escape(at)}"]`);
  const listed = (field) => field.parentElement.querySelectorAll(".bk-files li").length;
  const note = (field, words) => {
    field.parentElement.querySelector(".bk-file-note").textContent = words;
  };

  const setBusy = (form, by) => {
    const fields = Number(form.dataset.uploading ?? 0) + by;
    form.dataset.uploading = fields;
    if (fields) form.setAttribute("aria-busy", "true");
    else form.removeAttribute("aria-busy");
  };
  const names = (files) =>
    `${files.map((file) => file.name).join(", ")} ${files.length === 1 ? "was" : "were"}`;

  const uploadAll = async (field) => {
    const form = field.closest("form");
    const { at, upload } = field.dataset;
    const most = Number(field.dataset.most);
    const room = most === 1 ? 1 : most - listed(field);
    const chosen = [...field.files];
    const tooMany = chosen.splice(Math.max(room, 0));
    const failed = [];
    const ids = [];
    const hadFocus = document.activeElement === field;
    field.value = "";
    field.disabled = true;
    setBusy(form, 1);
    note(field, "Uploading…");
    for (const file of chosen) {
      try {
        ids.push(await uploadFile(upload, file));
      } catch {
        failed.push(file);
      }
    }
    setBusy(form, -1);
    const now = standing(form, at);
    if (!now) return;
    now.disabled = false;
    if (hadFocus && document.activeElement === document.body) now.focus();
    now.dispatchEvent(new CustomEvent("uploaded", { detail: { ids } }));
    note(now, [
      failed.length ? `${names(failed)} not uploaded` : "",
      tooMany.length ? `${names(tooMany)} left out: ${most} at most` : "",
    ].filter(Boolean).join(". "));
  };

  document.addEventListener("change", (event) => {
    if (event.target.matches("form input[type=file][data-upload]") && event.target.files.length) {
      uploadAll(event.target);
    }
  });
  document.addEventListener("submit", (event) => {
    if (event.target.getAttribute("aria-busy") !== "true") return;
    event.preventDefault();
    event.stopPropagation();
  }, true);
})();
