// Recap's page comes whole from the server and works without this file. What is added here: jobs
// and changes are shown as they happen, files can be dropped, recaps arranged, edited and deleted.
// Text from outside is only ever set as text; what is swapped in is our own page, parsed inert.

const $ = (selector, from = document) => from.querySelector(selector);
const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];

/** Calls the API; throws the sentence that the server says. */
async function call(method, address, body, headers = {}) {
  const json = body !== undefined && !(body instanceof Blob) && !(body instanceof FormData);
  let answer;
  try {
    answer = await fetch(address, {
      method,
      body: json ? JSON.stringify(body) : body,
      headers: { accept: "application/json", ...(json && { "content-type": "application/json" }), ...headers },
    });
  } catch {
    throw new Error("Recap does not answer. Is it running? Try again in a moment.");
  }
  if (answer.status === 401) location.assign(`/sign-in?next=${encodeURIComponent(location.pathname)}`);
  const text = await answer.text();
  let value = null;
  try { value = text ? JSON.parse(text) : null; } catch { /* not JSON: the status has to do */ }
  if (!answer.ok) {
    const { message = `Recap answered ${answer.status}.`, hint = "" } = value?.error ?? {};
    throw Object.assign(new Error(`${message} ${hint}`.trim()), { status: answer.status });
  }
  return { value, etag: answer.headers.get("etag") };
}

const recapAddress = (id, rest = "") => `/api/recaps/${encodeURIComponent(id)}${rest}`;

// ---- What the server shows, kept fresh -------------------------------------------------------

/** What the server last sent of a part: what we changed ourselves in it is no difference. */
const sent = new WeakMap();
let refreshing = false;
let again = false;

/** Fetches this page and swaps the parts that changed; forms and what is being typed stay. */
async function refresh() {
  if (refreshing) { again = true; return; }
  refreshing = true;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (answer.redirected) return location.reload();
    if (answer.ok || answer.status === 404) {
      swap(new DOMParser().parseFromString(await answer.text(), "text/html"), answer.ok);
    }
  } catch { /* the next event, or the next look at this tab, tries again */ }
  refreshing = false;
  if (again) { again = false; setTimeout(refresh, 50); }
}

function swap(fresh, found) {
  for (const old of $$("[data-live]")) {
    const now = fresh.getElementById(old.id);
    if (!now) {
      if (!found && old.id === "recap") say("This recap was deleted.", null);
      continue;
    }
    // An edit in progress, and a folder that is being chosen, are not taken out of one's hands.
    if (old.contains(document.activeElement) && document.activeElement.matches("[contenteditable], select")) continue;
    if ((sent.get(old) ?? old.innerHTML) === now.innerHTML) continue;
    const focused = old.contains(document.activeElement) ? path(document.activeElement, old) : null;
    sent.set(old, now.innerHTML);
    if (now.dataset.etag) old.dataset.etag = now.dataset.etag;
    old.replaceChildren(...now.childNodes);
    if (focused) $(focused, old)?.focus({ preventScroll: true });
    dress(old);
  }
}

/** A selector by which the same control is found after a swap. */
function path(element, within) {
  const row = element.closest("[data-recap], [data-job], [data-folder]");
  const key = row && row !== within && ["recap", "job", "folder"].find((name) => row.dataset[name]);
  const data = Object.keys(element.dataset)[0];
  const dashed = data?.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return `${key ? `[data-${key}="${CSS.escape(row.dataset[key])}"] ` : ""}${element.localName}${dashed ? `[data-${dashed}]` : ""}`;
}

/** What a swapped part needs: jobs that were dismissed go, the marks come back, editing goes on. */
function dress(part = document) {
  const gone = JSON.parse(sessionStorage.getItem("dismissed") ?? "[]");
  for (const job of $$("[data-over]", part)) if (gone.includes(job.dataset.job)) job.remove();
  if (editing) setEditing(true);
  markRange();
}

let events;
function listen() {
  events?.close();
  events = new EventSource("/api/events");
  let first = true;
  const soon = () => { clearTimeout(listen.timer); listen.timer = setTimeout(refresh, 120); };
  const mine = (event) => { const shown = $("#recap"); if (!shown || JSON.parse(event.data).id === shown.dataset.recap) soon(); };
  for (const name of ["recap_saved", "recap_changed", "recap_deleted"]) events.addEventListener(name, mine);
  for (const name of ["library_changed", "file_problem", "file_mended", "config_problem", "config_changed", "resync"]) events.addEventListener(name, soon);
  // Heard again after a break, or after the page was written: what was missed is looked up.
  events.addEventListener("hello", () => { if (!first || $("#jobs")) soon(); first = false; });
  events.addEventListener("job_changed", (event) => {
    const job = JSON.parse(event.data);
    const shown = $(`[data-job="${CSS.escape(job.id)}"]:not([data-over])`);
    if (!shown || job.finished_at) return $("#jobs") && soon();
    $("progress", shown).value = job.percent;
    $(".says", shown).textContent = job.message;
  });
}

if (document.body.hasAttribute("data-follow")) {
  // A browser keeps six connections to a host: only a tab that is looked at holds one.
  document.addEventListener("visibilitychange", () => { if (document.hidden) { events?.close(); events = null; } else if (!events) { listen(); refresh(); } });
  addEventListener("pagehide", () => { events?.close(); events = null; });
  addEventListener("pageshow", (event) => { if (event.persisted && !events) { listen(); refresh(); } });
  if (!document.hidden) listen();
}

// ---- Making a recap --------------------------------------------------------------------------

const make = $("[data-make]");

async function begin(address, body, headers) {
  const error = $("#make-error");
  const button = $("button", make);
  error.textContent = "";
  button.disabled = true;
  try {
    await call("POST", address, body, headers);
    make.reset();
    await refresh();
  } catch (why) {
    error.textContent = why.message;
  } finally {
    button.disabled = false;
  }
}

const send = (file) => begin(`/api/process?name=${encodeURIComponent(file.name)}`, file, { "content-type": "application/octet-stream" });

if (make) {
  make.addEventListener("submit", (event) => {
    event.preventDefault();
    const { link, episode } = make.elements;
    if (!link.value.trim()) {
      $("#make-error").textContent = "Paste a link first, or choose a file.";
      return link.focus();
    }
    begin("/api/process", { link: link.value, episode: episode.value || null });
  });
  make.elements.file.addEventListener("change", async (event) => { for (const file of [...event.target.files]) await send(file); });
  const carries = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => { if (carries(event)) { event.preventDefault(); document.body.dataset.dropping = ""; } });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) delete document.body.dataset.dropping; });
  addEventListener("drop", async (event) => {
    delete document.body.dataset.dropping;
    if (!carries(event)) return;
    event.preventDefault();
    for (const file of [...event.dataTransfer.files]) await send(file);
  });
}

// ---- Saying, deleting, undoing ---------------------------------------------------------------

/** Shows a sentence at the foot of the page, with a way back where there is one. */
function say(text, undo) {
  const box = document.createElement("div");
  const words = document.createElement("span");
  words.textContent = text;
  box.append(words);
  const add = (name, deed) => {
    const button = document.createElement("button");
    button.textContent = name;
    button.addEventListener("click", () => { box.remove(); deed?.(); });
    box.append(button);
    return button;
  };
  const first = undo && add("Undo", undo);
  add("Close");
  $("#toast").replaceChildren(box);
  first?.focus();
}

const offerUndo = ({ id, title }) => say(`“${title}” was deleted.`, () =>
  call("POST", recapAddress(id, "/restore")).then(refresh, (why) => say(why.message)));

async function remove(id, title, etag) {
  try {
    await call("DELETE", recapAddress(id), undefined, etag ? { "if-match": etag } : {});
  } catch (why) {
    return say(why.status === 412 ? "This recap was changed elsewhere since you opened it. Look at it again, then delete it." : why.message);
  }
  if (!$("#recap")) { await refresh(); return offerUndo({ id, title }); }
  sessionStorage.setItem("deleted", JSON.stringify({ id, title }));
  location.assign("/");
}

const deleted = sessionStorage.getItem("deleted");
if (deleted) { sessionStorage.removeItem("deleted"); offerUndo(JSON.parse(deleted)); }

// ---- Arranging -------------------------------------------------------------------------------

/** Opens a dialog; `deeds` by the value of its buttons. It stays open with the sentence on a refusal. */
function ask(dialog, deeds) {
  const form = $("form", dialog);
  const error = $(".error", dialog);
  error.textContent = "";
  form.onsubmit = async (event) => {
    const deed = deeds[event.submitter?.value];
    if (!deed) return;
    event.preventDefault();
    try { await deed(form.elements); dialog.close(); await refresh(); } catch (why) { error.textContent = why.message; }
  };
  dialog.showModal();
}

function arrange(button) {
  const { arrange: id, folder } = button.dataset;
  const title = $(".name", button.closest(".row")).textContent;
  const dialog = $("#arrange");
  $("h2", dialog).textContent = title;
  $("select", dialog).value = folder;
  $("[name=name]", dialog).value = "";
  ask(dialog, {
    move: async ({ folder, name }) => {
      const made = name.value.trim() && (await call("POST", "/api/folders", { name: name.value })).value.id;
      await call("PUT", recapAddress(id, "/place"), { folder: made || folder.value || null });
    },
    delete: async () => { dialog.close(); await remove(id, title); },
  });
}

function rename(button) {
  const address = `/api/folders/${encodeURIComponent(button.dataset.rename)}`;
  const dialog = $("#rename");
  $("[name=name]", dialog).value = button.dataset.name;
  ask(dialog, { rename: ({ name }) => call("PATCH", address, { name: name.value }), remove: () => call("DELETE", address) });
}

// ---- Editing in place ------------------------------------------------------------------------

let editing = false;

function setEditing(on) {
  editing = on;
  $("[data-edit-all]")?.setAttribute("aria-pressed", String(on));
  for (const place of $$("[data-edit]")) {
    if (on) Object.assign(place, { contentEditable: "plaintext-only" }).dataset.was ??= place.textContent;
    else { place.removeAttribute("contenteditable"); delete place.dataset.was; }
  }
}

async function keep(place) {
  const text = place.textContent.trim();
  const { edit, topic, point, was } = place.dataset;
  if (!text) place.textContent = was;
  if (!text || text === was) return;
  const change = edit === "topic" ? { topics: { [topic]: { title: text } } }
    : edit === "point" ? { topics: { [topic]: { points: { [point]: { text } } } } } : { [edit]: text };
  const shown = $("#recap");
  try {
    const { etag } = await call("PATCH", recapAddress(shown.dataset.recap), change, { "if-match": shown.dataset.etag });
    shown.dataset.etag = etag;
    place.dataset.was = text;
  } catch (why) {
    say(why.status === 412 ? `Not saved: this recap was changed elsewhere since you opened it. Your words: “${text}”. The page shows it as it is now; edit again.` : `Not saved: ${why.message}`);
    if (why.status === 412) { document.activeElement?.blur(); refresh(); }
  }
}

document.addEventListener("focusout", (event) => { if (event.target.matches?.("[contenteditable]")) keep(event.target); });

// ---- Hands -----------------------------------------------------------------------------------

document.addEventListener("click", async (event) => {
  if (editing && event.target.closest("[data-edit]")) return event.preventDefault();
  const on = (selector) => event.target.closest(selector);
  const job = on("[data-job]");
  if (on("[data-arrange]")) arrange(on("[data-arrange]"));
  else if (on("[data-rename]")) rename(on("[data-rename]"));
  else if (on("[data-delete]")) remove(on("[data-delete]").dataset.delete, on("[data-delete]").dataset.title, $("#recap").dataset.etag);
  else if (on("[data-edit-all]")) setEditing(!editing);
  else if (on("[data-cancel]")) { on("[data-cancel]").disabled = true; call("DELETE", `/api/jobs/${job.dataset.job}`).catch((why) => say(why.message)); }
  else if (on("[data-dismiss]")) {
    sessionStorage.setItem("dismissed", JSON.stringify([...JSON.parse(sessionStorage.getItem("dismissed") ?? "[]"), job.dataset.job].slice(-100)));
    job.remove();
  } else if (on("[data-sign-out]")) call("DELETE", "/api/session").then(() => location.assign("/sign-in"), (why) => say(why.message));
});

// A folder that is opened or closed stays so.
document.addEventListener("toggle", (event) => {
  const { target } = event;
  const collapsed = String(!target.open);
  if (!target.dataset?.collapsed || target.dataset.collapsed === collapsed) return;
  target.dataset.collapsed = collapsed;
  call("PATCH", `/api/folders/${encodeURIComponent(target.dataset.folder)}`, { collapsed: !target.open }).catch((why) => say(why.message));
}, true);

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, select, textarea, [contenteditable]");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) { event.preventDefault(); $(".find input")?.focus(); }
  if (!event.target.matches?.("[contenteditable]")) return;
  if (event.key === "Enter") { event.preventDefault(); event.target.blur(); }
  if (event.key === "Escape") { event.target.textContent = event.target.dataset.was; event.target.blur(); }
});

/** Marks all cues that the followed point cites; `:target` alone marks the first. */
function markRange() {
  for (const one of $$(".cited")) one.classList.remove("cited");
  const first = Number(/^#c(\d+)$/.exec(location.hash)?.[1] ?? NaN);
  if (Number.isNaN(first)) return;
  const last = Number($(`.point[href="#c${first}"]`)?.dataset.last ?? first);
  for (let at = first; at <= Math.min(last, first + 50); at += 1) document.getElementById(`c${at}`)?.classList.add("cited");
}
addEventListener("hashchange", markRange);
dress();
// The heights of a long transcript are guessed until they are looked at: go there once more.
if (location.hash && $(".long")) requestAnimationFrame(() => requestAnimationFrame(() => $(":target")?.scrollIntoView()));
