// The page as people meet it, in a real Chromium. Each test is a claim; `run` starts the daemon.

import assert from "node:assert/strict";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const { RECAP_URL: home, RECAP_HISTORY: history, RECAP_SCRATCH: scratch } = process.env;
const samples = new URL("../../sample-history/show/", import.meta.url);
const sample = (name) => readFileSync(new URL(name, samples));
const file = (id) => `${history}/${id}.json`;
const read = (id) => JSON.parse(readFileSync(file(id), "utf8"));
const write = (id, recap) => writeFileSync(file(id), JSON.stringify({ ...recap, id }, null, 1));

let context;
let show;
/** What must not happen on any page: collected over all tests, looked at after each. */
const amiss = [];

/** A page that is watched. */
async function open(path = "/", from = context) {
  const page = await from.newPage();
  page.setDefaultTimeout(8000);
  await page.goto(home + path);
  return page;
}

function watch(context) {
  context.on("page", (page) => {
    page.on("dialog", (dialog) => { amiss.push(`a dialog: ${dialog.message()}`); dialog.dismiss(); });
    page.on("pageerror", (error) => amiss.push(`an error: ${error.message}`));
    page.on("console", (said) => {
      // A refusal that a test asks for is logged by the browser itself.
      if (said.type() === "error" && !said.text().startsWith("Failed to load resource")) amiss.push(`the console: ${said.text()}`);
    });
  });
  context.on("request", (request) => {
    const { protocol, host } = new URL(request.url());
    if (["http:", "https:", "ws:", "wss:"].includes(protocol) && host !== new URL(home).host) amiss.push(`a request left: ${request.url()}`);
  });
}

/** Makes a recap through the API; its id. */
async function make(name, bytes = sample("oven.srt")) {
  const answer = await fetch(`${home}/api/process?name=${encodeURIComponent(name)}`, {
    method: "POST", body: bytes, headers: { accept: "text/event-stream" },
  });
  let text = "";
  for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {
    text += piece;
    const made = /"recap":"([^"]+)"/.exec(text);
    if (made) return made[1];
  }
  throw new Error(`no recap was made: ${text}`);
}

const titles = (page) => page.locator(".row .name").allTextContents();
const widest = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

function claim(name, body) {
  test(name, { timeout: 30_000 }, async () => {
    try { await body(); } finally { for (const page of context.pages().slice(1)) await page.close(); }
    assert.deepEqual(amiss.splice(0), []);
  });
}

before(async () => {
  show = createServer((request, response) => {
    if (request.url === "/slow.vtt") return; // answers when the tests end: never
    try {
      const base = `http://127.0.0.1:${show.address().port}`;
      response.end(String(sample(request.url.slice(1))).replaceAll("{{base}}", base));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((ready) => show.listen(0, "127.0.0.1", ready));
  context = await chromium.launchPersistentContext(`${scratch}/profile`, {
    executablePath: "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    viewport: { width: 1280, height: 860 },
  });
  watch(context);
});

after(async () => { await context?.close(); show?.closeAllConnections(); show?.close(); });

claim("an empty library says what to do first", async () => {
  const page = await open();
  assert.match(await page.locator(".empty").textContent(), /Paste the link.*Drop a transcript/s);
});

claim("a pasted link shows its progress and becomes a recap", async () => {
  const page = await open();
  await page.fill("#link", `http://127.0.0.1:${show.address().port}/oven.srt`);
  await page.click("text=Make a recap");
  await page.locator(".job").first().waitFor();
  await page.locator(".row").waitFor();
  const [title] = await titles(page);
  assert.match(title, /oven/i);
  await page.click(".job >> text=Read the recap");
  assert.equal(await page.textContent("h1"), title);
  assert.ok(await page.locator(".point").count() > 2);
});

claim("a link that is none is refused in place, and what was typed stays", async () => {
  const page = await open();
  await page.fill("#link", "not a link");
  await page.click("text=Make a recap");
  const alert = page.getByRole("alert").filter({ hasText: "is no link" });
  await alert.waitFor();
  assert.equal(await page.inputValue("#link"), "not a link");
  await page.fill("#link", "");
  await page.click("text=Make a recap");
  await page.getByRole("alert").filter({ hasText: "Paste a link first" }).waitFor();
});

claim("a job that fails says why, after a reload too, until it is dismissed", async () => {
  const page = await open();
  await page.fill("#link", `http://127.0.0.1:${show.address().port}/nothing.vtt`);
  await page.click("text=Make a recap");
  await page.locator(".job.failed").waitFor();
  await page.reload();
  await page.locator(".job.failed [role=alert]").waitFor();
  await page.click(".job.failed >> text=Dismiss");
  await page.reload();
  await page.locator(".row").waitFor();
  assert.equal(await page.locator(".job.failed").count(), 0);
});

claim("a running job is shown again after a reload, and can be stopped", async () => {
  const page = await open();
  await page.fill("#link", `http://127.0.0.1:${show.address().port}/slow.vtt`);
  await page.click("text=Make a recap");
  await page.locator(".job progress").waitFor();
  await page.reload();
  await page.locator(".job .says", { hasText: "slow.vtt" }).waitFor();
  await page.click(".job >> text=Stop");
  await page.locator(".job progress").waitFor({ state: "detached" });
});

claim("a file that is dropped anywhere becomes a recap", async () => {
  const page = await open();
  const carried = await page.evaluateHandle((text) => {
    const carried = new DataTransfer();
    carried.items.add(new File([text], "Dropped talk.vtt"));
    return carried;
  }, String(sample("long.vtt")));
  await page.dispatchEvent("body", "dragover", { dataTransfer: carried });
  assert.ok(await page.locator(".drop").isVisible());
  await page.dispatchEvent("body", "drop", { dataTransfer: carried });
  await page.locator(".name", { hasText: "Dropped talk" }).waitFor();
  assert.ok(await page.locator(".drop").isHidden());
});

claim("a point jumps to its cue, which is marked, and leads back", async () => {
  const page = await open(`/recaps/${await make("Jump", sample("long.vtt"))}`);
  const point = page.locator(".point").nth(8);
  const cue = (await point.getAttribute("href")).slice(1);
  await point.click();
  assert.equal(new URL(page.url()).hash, `#${cue}`);
  const target = page.locator(`#${cue}`);
  const place = await target.boundingBox();
  assert.ok(place.y > 0 && place.y < 860, `the cue is at ${place.y}`);
  const marked = await target.evaluate((it) => getComputedStyle(it).backgroundColor);
  assert.notEqual(marked, "rgba(0, 0, 0, 0)");
  await page.locator(".cited .back").first().click();
  assert.match(new URL(page.url()).hash, /^#p\d+$/);
});

claim("a search finds, marks the words and leads to the place", async () => {
  const page = await open();
  await page.keyboard.press("/");
  await page.keyboard.type("oven hedgehogs");
  await page.keyboard.press("Enter");
  await page.locator(".hit mark", { hasText: /oven/i }).first().waitFor();
  await page.locator(".hit .point[href*='#c']").first().click();
  await page.locator(".said span:target").waitFor();
});

claim("a hand edit on disk shows on the open pages, and what is being typed stays", async () => {
  const id = await make("Edited by hand");
  const [library, recap] = [await open(), await open(`/recaps/${id}`)];
  await library.fill("#link", "half typed");
  write(id, { ...read(id), title: "Written in an editor" });
  await recap.locator("h1", { hasText: "Written in an editor" }).waitFor();
  await library.bringToFront();
  await library.locator(".name", { hasText: "Written in an editor" }).waitFor();
  assert.equal(await library.inputValue("#link"), "half typed");
});

claim("a broken file shows its place on the open page, and goes away when it is mended", async () => {
  const id = await make("Broken soon");
  const page = await open();
  const whole = readFileSync(file(id), "utf8");
  writeFileSync(file(id), whole.slice(0, whole.indexOf('"duration_ms"')));
  await page.locator(".problem", { hasText: `${id}.json` }).waitFor();
  assert.match(await page.locator(".problem").textContent(), /Line 6, column \d+/);
  assert.ok((await titles(page)).includes("Broken soon"), "the last good copy stays");
  writeFileSync(file(id), whole);
  await page.locator(".problem").waitFor({ state: "detached" });
});

claim("a recap is deleted and brought back", async () => {
  const page = await open(`/recaps/${await make("Gone and back")}`);
  await page.click("[data-delete]");
  await page.locator("#toast", { hasText: "was deleted" }).waitFor();
  assert.ok(!(await titles(page)).includes("Gone and back"));
  await page.click("#toast >> text=Undo");
  await page.locator(".name", { hasText: "Gone and back" }).waitFor();
});

claim("a recap is moved into a new folder, which stays closed when it was closed", async () => {
  await make("To be filed");
  const page = await open();
  await page.getByLabel("Move or delete “To be filed”").click();
  await page.fill("#arrange [name=name]", "Bread <b>& bees</b>");
  await page.click("#arrange >> text=Move");
  const folder = page.locator(".folder", { hasText: "Bread <b>& bees</b>" });
  await folder.locator(".name", { hasText: "To be filed" }).waitFor();
  const kept = page.waitForResponse((answer) => answer.url().includes("/api/folders/"));
  await folder.locator("summary").click();
  await kept;
  await page.reload();
  assert.equal(await page.locator(".folder[open]").count(), 0);
});

claim("a title is edited in place, and never over somebody else's change", async () => {
  const id = await make("Edit me");
  const page = await open(`/recaps/${id}`);
  await page.click("[data-edit-all]");
  await page.locator("h1").fill("Edited here");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector("h1").dataset.was === "Edited here");
  assert.equal(read(id).title, "Edited here");
  await page.evaluate(() => { document.querySelector("#recap").dataset.etag = '"old"'; });
  await page.locator("h1").fill("Too late");
  await page.keyboard.press("Enter");
  await page.locator("#toast", { hasText: "changed elsewhere" }).waitFor();
  assert.equal(read(id).title, "Edited here");
});

claim("hostile words run nothing and lead nowhere", async () => {
  const evil = `"><img src=x onerror="alert(1)"><script>alert(2)</script><svg onload=alert(3)>{{7*7}}`;
  const id = await make("Hostile");
  const recap = read(id);
  for (const address of ["javascript:alert(4)", "data:text/html,<script>alert(5)</script>"]) {
    Object.assign(recap, { title: evil, overview: evil, notes: [evil] });
    Object.assign(recap.episode, { title: evil, url: address, show: { title: evil } });
    recap.made_by.transcript.url = address;
    recap.topics[0].title = evil;
    recap.topics[0].points[0].text = evil;
    recap.topics[0].doubts = [{ kind: "name", text: "<script>", cue: 0, point: recap.topics[0].points[0].id }];
    recap.transcript.speakers = { s1: evil };
    recap.transcript.cues[0].text = evil;
    write(id, recap);
    const page = await open(`/recaps/${id}`);
    await page.locator("h1", { hasText: "<script>alert(2)" }).waitFor();
    assert.equal(await page.locator("main img, main script, main svg").count(), 0);
    const addresses = await page.locator("a[href]").evaluateAll((links) => links.map((link) => link.protocol));
    assert.deepEqual([...new Set(addresses)], ["http:"]);
    assert.match(await page.locator(".doubt").textContent(), /In doubt/);
    for (const path of ["/", "/search?q=onerror", `/search?q=${encodeURIComponent(evil)}`]) {
      await page.goto(home + path);
      await page.waitForLoadState("load");
      assert.equal(await page.locator("main img, main script").count(), 0);
    }
    const exported = await (await fetch(`${home}/api/recaps/${id}/export?format=html`)).text();
    assert.ok(!/href="(javascript|data):/i.test(exported) && !exported.includes("<img"), "the exported page");
  }
});

claim("with JavaScript off, a file and a link are sent, read and refused as pages", async () => {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--headless", "--no-sandbox", "--disable-gpu"] });
  const plain = await browser.newContext({ javaScriptEnabled: false });
  watch(plain);
  try {
    const page = await open("/", plain);
    await page.setInputFiles("[name=file]", { name: "Without a script.srt", mimeType: "text/plain", buffer: sample("oven.srt") });
    await page.click("text=Make a recap");
    const row = page.locator(".name", { hasText: "Without a script" });
    for (let looks = 0; looks < 20 && !(await row.count()); looks += 1) await page.reload();
    await row.click();
    const href = await page.locator(".point").nth(2).getAttribute("href");
    await page.locator(".point").nth(2).click();
    assert.ok(await page.locator(`${href}:target`).isVisible());
    assert.ok(await page.locator("[data-delete]").isHidden(), "what needs a script is not offered");
    await page.goto(home);
    await page.fill("#link", "no link");
    await page.click("text=Make a recap");
    assert.match(await page.textContent("main"), /is no link/);
  } finally {
    await browser.close();
  }
});

claim("nothing reaches over the edge of a phone, in light and in dark", async () => {
  const id = await make("Narrow", sample("long.vtt"));
  const recap = read(id);
  const word = "w".repeat(500);
  recap.title = word;
  recap.episode.show.title = "كيف عاد الفرن القديم إلى العمل";
  recap.topics[0].title = word;
  recap.topics[0].points[0].text = word;
  recap.topics[1].title = "为什么老城里的面包炉又重新点火".repeat(8);
  recap.transcript.cues[1].text = word;
  recap.transcript.times = "about";
  write(id, recap);
  const grounds = new Set();
  for (const colorScheme of ["light", "dark"]) {
    const page = await open();
    await page.setViewportSize({ width: 375, height: 812 });
    await page.emulateMedia({ colorScheme });
    for (const path of ["/", `/recaps/${id}`, "/search?q=wheel", `/search?q=${word}`, "/sign-in", "/recaps/none"]) {
      await page.goto(home + path);
      assert.ok(await widest(page) <= 0, `${path} is ${await widest(page)} px too wide`);
    }
    grounds.add(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
    await page.goto(`${home}/recaps/${id}`);
    assert.match(await page.locator(".topic .rail").nth(1).textContent(), /^about /);
  }
  assert.equal(grounds.size, 2);
});

claim("a long library comes in pages, in the order that is asked for", async () => {
  const recap = read(await make("One of many"));
  delete recap.made_by.job;
  for (let at = 10; at < 70; at += 1) write(`2020-01-01-many-${at}aaaa`, { ...recap, title: `Many ${at}`, created_at: "2020-01-01T00:00:00Z" });
  const page = await open();
  // The daemon hears of sixty files one after the other; on a busy machine the last ones come late.
  const noticed = async () => (await (await fetch(`${home}/api/recaps?title=Many&limit=1`)).json()).total;
  for (let tries = 0; tries < 400 && (await noticed()) < 60; tries += 1) await page.waitForTimeout(50);
  await page.reload();
  await page.click(".sorts >> text=Title");
  const first = await titles(page);
  await page.click("text=More recaps");
  const second = await titles(page);
  const many = [...first, ...second].filter((title) => title.startsWith("Many"));
  assert.deepEqual(many, Array.from({ length: 60 }, (_, at) => `Many ${at + 10}`));
  await page.click(".sorts >> text=Title");
  assert.notDeepEqual(await titles(page), first);
});

claim("the daemon's history folder holds what the page showed, and no more", async () => {
  const page = await open();
  let shown = await page.locator("[data-recap]").count();
  for (const more = page.locator("text=More recaps"); await more.count(); ) {
    await more.click();
    shown += await page.locator("[data-recap]").count();
  }
  assert.equal(shown, readdirSync(history).filter((name) => /^\d{4}-.*\.json$/.test(name)).length);
});
