/** The page in headless Chromium: the first minute step by step, with pictures of each in out/page-shots, and what works without a GPU. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { dirname, join, posix } from "node:path";
import { gzipSync } from "node:zlib";
import { peopleCsv } from "../../page/core/people.js";
import { buildPage } from "../../page/tools/build.js";
import { servePage } from "../../page/tools/serve.js";
import { Browser, type Page } from "../browser/devtools.js";
import { traceMain } from "../browser/trace.js";
import { findChromium } from "../drivers/find.js";
import { check, root, skip, test } from "../harness.js";

/** Three times what a machine took that was busy with other work. */
const timeoutMs = 360_000;
const stepMs = 90_000;
/** The training, of which compiling its kernels is the largest part: 44 s on a quiet software driver before it tested on fewer
 *  pictures, four times that for slower machines. */
const trainingMs = 180_000;

/** Bytes that come before the first map, as files and compressed, and of them those that the main thread reads; little above what they are. */
const BUDGET = { raw: 820_000, gzip: 290_000, seen: 40_000 };
/** Milliseconds from opening to the first map on a software driver of a busy machine: 33 s where fifteen others computed on two cores. */
const FIRST_MAP_MS = 60_000;
/** For how long the main thread may compute at a stretch, from its first task on: for 50 ms it would not hear its reader. 13 ms were the most
 *  on two cores where sixteen others computed, and a machine may be slower. How long a task lasts is printed, not judged: where others compute
 *  a thread waits for a processor in the middle of its tasks, a task of 3 ms for 150 and more. */
const LONGEST_TASK_MS = 30;

const shots = join(root, "out/page-shots");

/** A table of several megabytes, to be dropped. */
const people = join(root, "out/page-test-people/people.csv");

/** Notes what goes wrong. */
const watch = `
  window.wrongs = [];
  addEventListener("error", ({ message }) => wrongs.push(message));
  addEventListener("unhandledrejection", ({ reason }) => wrongs.push(String(reason)));
  addEventListener("securitypolicyviolation", ({ blockedURI }) => wrongs.push("blocked " + blockedURI));
`;
const isDone = 'performance.getEntriesByName("first-attack").length > 0';
const markOf = (name: string): string => `performance.getEntriesByName("${name}")[0].startTime`;
const sentence = 'document.querySelector("#sentence").textContent';
const click = (text: string): string =>
  `[...document.querySelectorAll("button")].find((b) => b.textContent === ${JSON.stringify(text)}).click()`;

async function shoot(page: Page, name: string, whole = true): Promise<void> {
  mkdirSync(shots, { recursive: true });
  writeFileSync(join(shots, `${name}.png`), await page.screenshot(whole));
}

let built: Promise<string> | undefined;

/** Runs `body` with a browser and the page served; ends both. */
async function withPage(
  options: { readonly webgpu?: boolean },
  body: (browser: Browser, url: string) => Promise<void>,
): Promise<void> {
  const program = findChromium() ?? skip("no Chromium; install it, or set HOLDFAST_CHROMIUM to the program");
  built ??= buildPage(join(root, "out/page-test"));
  const { server, url }: { server: Server; url: string } = await servePage(await built);
  const browser = new Browser(program, options);
  try {
    await body(browser, url);
  } finally {
    await browser.close();
    server.close();
    server.closeAllConnections();
  }
}

/** Runs `body` and holds the main thread of its page to the limit above; says what was measured. */
async function unblocked(browser: Browser, body: () => Promise<void>): Promise<string> {
  const { tasks, longest, wall } = await traceMain(browser, "first-map", body);
  check.ok(longest.cpu <= LONGEST_TASK_MS, `the main thread computed at a stretch: ${JSON.stringify(longest)}`);
  return `of ${tasks} tasks of the main thread the longest computed for ${longest.cpu.toFixed(1)} ms; with waiting ${wall.toFixed(0)} ms`;
}

const noWrongs = async (page: Page): Promise<void> => check.equal(await page.evaluate("wrongs"), []);

test("the page is small, and names no other address", async () => {
  built ??= buildPage(join(root, "out/page-test"));
  const folder = await built;
  // What page and worker import before they start; the rest comes when it is asked for.
  const files = new Set(["main.js", "worker.js"]);
  for (const file of files) {
    const imports = readFileSync(join(folder, file), "utf8").matchAll(/(?:from|import)"(\.{1,2}\/[\w./-]+\.js)"/g);
    for (const [, specifier] of imports) files.add(posix.join(posix.dirname(file), specifier));
  }
  for (const file of ["index.html", "style.css", "networks/plain.safetensors"]) files.add(file);
  let [raw, gzip] = [0, 0];
  for (const file of files) {
    const bytes = readFileSync(join(folder, file));
    raw += bytes.length;
    gzip += gzipSync(bytes).length;
  }
  // What is seen is written without the library, of which the worker reads what it needs.
  const seen = readFileSync(join(folder, "main.js")).length;
  check.ok(seen <= BUDGET.seen, `main.js has ${seen} bytes; a part of the library is in it`);
  console.log(`\n    before the first map: ${files.size} files, ${raw} bytes, ${gzip} compressed`);
  check.ok(
    raw <= BUDGET.raw && gzip <= BUDGET.gzip,
    `${raw} bytes, ${gzip} compressed; the budget is ${BUDGET.raw}, ${BUDGET.gzip}`,
  );
  for (const file of ["index.html", "style.css"])
    check.ok(
      !/https?:\/\/|(?:src|href)="\/|url\(/.test(readFileSync(join(folder, file), "utf8")),
      `${file} names an address`,
    );
  const scripts = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".js"));
  for (const file of scripts) {
    const text = readFileSync(join(folder, file), "utf8");
    check.ok(!/from"node:|import\("node:/.test(text), `${file} asks for Node`);
    const addresses = [...text.matchAll(/https?:\/\/[\w./-]+/g)].map(([address]) => address);
    check.equal(
      addresses.filter((one) => !one.startsWith("http://www.w3.org/") && one !== "http://localhost"),
      [],
      file,
    );
  }
});

test(
  "the first minute: a finished picture without script, then live by pointer and by keyboard",
  () =>
    withPage({}, async (browser, url) => {
      const still = await browser.open("about:blank", { before: "" });
      await still.send("Emulation.setScriptExecutionDisabled", { value: true });
      await still.send("Page.navigate", { url });
      await new Promise((resolve) => setTimeout(resolve, 1500));
      await shoot(still, "1-no-script");
      const { root: tree } = (await still.send("DOM.getDocument", { depth: -1 })) as { root: unknown };
      const html = JSON.stringify(tree);
      check.is(html.match(/data:image\/png/g)?.length, 4, "four pictures");
      check.match(html, "The network still says");
      await still.send("Page.close");

      const page = await browser.open("about:blank", { before: watch });
      let cold: number[] = [];
      const tasks = await unblocked(browser, async () => {
        await page.send("Page.navigate", { url });
        await page.until(isDone, stepMs);
        cold = await page.evaluate<number[]>(`[${markOf("first-map")}, ${markOf("first-attack")}]`);
        check.ok(cold[0] < FIRST_MAP_MS, `the first map after ${cold[0]} ms`);
        await shoot(page, "2-live", false);
        check.is(await page.evaluate('document.querySelectorAll("#pictures canvas").length'), 4);

        // The largest slider, by keyboard alone.
        await page.evaluate('document.querySelector(".big input").focus()');
        const before = await page.evaluate<string>(sentence);
        for (let i = 0; i < 4; i++) await page.press("ArrowRight");
        await page.until('location.hash === "#eps=0.07"', stepMs);
        await page.until(`${sentence} !== ${JSON.stringify(before)}`, stepMs);
        await page.until('performance.getEntriesByName("all-defences").length > 0', stepMs);
        check.match(await page.evaluate<string>(sentence), "7\u00a0%");
        const counts = await page.evaluate<string[]>(
          '[...document.querySelectorAll(".count")].map((c) => c.textContent)',
        );
        check.ok(counts.length === 4 && counts.every((text) => text.includes("are left")), `each defence: ${counts}`);
        await shoot(page, "3-slider-and-defences");

        // A word typed in, then a region drawn with the pointer.
        await page.evaluate('location.hash = "#objective=target-map&target=word:NO&eps=0.1"');
        await page.until(`${sentence}.includes("towards the one wanted")`, stepMs);
        await shoot(page, "4-word", false);
        await page.evaluate('location.hash = "#objective=target&eps=0.1"');
        await page.until(`${sentence}.includes("the region holds")`, stepMs);
        await page.evaluate('document.querySelector("#attackedMap").scrollIntoView({ block: "center" })');
        const box = await page.evaluate<{ x: number; y: number; width: number }>(
          '(({ x, y, width }) => ({ x, y, width }))(document.querySelector("#attackedMap .frame").getBoundingClientRect())',
        );
        const at = (share: number) => ({ x: box.x + share * box.width, y: box.y + share * box.width, button: "left" });
        await page.send("Input.dispatchMouseEvent", { type: "mousePressed", clickCount: 1, ...at(0.6) });
        await page.send("Input.dispatchMouseEvent", { type: "mouseMoved", buttons: 1, ...at(0.85) });
        await page.send("Input.dispatchMouseEvent", { type: "mouseReleased", clickCount: 1, ...at(0.85) });
        await page.until('location.hash.includes("region=16,16,8,8")', stepMs);
        await page.until(`${sentence}.includes("the region holds")`, stepMs);
        await shoot(page, "5-region", false);
      });
      const origins = await page.evaluate<string[]>(
        'performance.getEntriesByType("resource").map(({ name }) => new URL(name, location).origin)',
      );
      check.ok(
        origins.every((origin) => url.startsWith(origin)),
        `asked for: ${origins}`,
      );
      await noWrongs(page);

      await page.send("Page.reload");
      await new Promise((resolve) => setTimeout(resolve, 300));
      await page.until(isDone, stepMs);
      const warm = await page.evaluate<number[]>(`[${markOf("first-map")}, ${markOf("first-attack")}]`);
      const ms = (list: readonly number[]): string => list.map((value) => value.toFixed(0)).join(" and ");
      const adapter = await page.evaluate<string>('document.querySelector("#footer").textContent.split(":")[0]');
      console.log(
        `\n    ${adapter}: first map and first attack after ${ms(cold)} ms, reloaded ${ms(warm)} ms;\n    ${tasks}`,
      );
    }),
  { timeoutMs },
);

test(
  "two tabs, a link that repeats, and a lost device",
  () =>
    withPage({}, async (browser, url) => {
      const link = `${url}#image=4&eps=0.08&steps=10&seed=3`;
      const pages = [await browser.open(link, { before: watch }), await browser.open(link, { before: watch })];
      for (const page of pages) await page.until(isDone, stepMs);
      const [one, other] = await Promise.all(pages.map((page) => page.evaluate<string>(sentence)));
      check.is(one, other, "the same link, the same sentence");
      check.match(one, "8\u00a0%");

      const [page] = pages;
      await page.until('performance.getEntriesByName("all-defences").length > 0', stepMs);
      await page.evaluate("window.stays = true");
      await browser.crashGpu();
      await page.evaluate('location.hash = "#image=4&eps=0.12&steps=10"');
      await page.until(`${sentence}.includes("12\u00a0%")`, stepMs);
      check.ok(await page.evaluate("window.stays"), "without a reload");
      await shoot(page, "6-after-the-loss", false);
      for (const each of pages) await noWrongs(each);
    }),
  { timeoutMs },
);

test(
  "dark, small, and read by a screen reader",
  () =>
    withPage({}, async (browser, url) => {
      const page = await browser.open(`${url}#steps=5`, { before: watch, width: 360, height: 780 });
      await page.theme("dark");
      await page.until('performance.getEntriesByName("all-defences").length > 0', stepMs);
      await shoot(page, "7-small-and-dark");
      const wide = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
      check.ok(wide <= 0, `${wide} pixels are beyond the right edge of a small screen`);
      const { nodes } = (await page.send("Accessibility.getFullAXTree")) as {
        nodes: { ignored: boolean; role?: { value: string }; name?: { value: string } }[];
      };
      const controls = ["button", "slider", "combobox", "spinbutton", "textbox", "image", "checkbox"];
      const seen = nodes.filter(({ ignored, role }) => !ignored && role && controls.includes(role.value));
      check.ok(seen.length > 40, `${seen.length} controls and pictures`);
      check.equal(
        seen.filter(({ name }) => !name?.value).map(({ role }) => role?.value),
        [],
        "without a name",
      );
      await page.size(1280, 900);
      await shoot(page, "8-dark");
      await noWrongs(page);
    }),
  { timeoutMs },
);

test(
  "training, a drawing, the table and the sanity check",
  () =>
    withPage({}, async (browser, url) => {
      const page = await browser.open("about:blank", { before: watch });
      const tasks = await unblocked(browser, async () => {
        await page.send("Page.navigate", { url: `${url}#steps=4&images=200&epochs=2&people=300&copies=4` });
        await page.until('performance.getEntriesByName("all-defences").length > 0', stepMs);
        const said = 'document.querySelector("#training-controls").textContent';
        await page.evaluate(click("Train"));
        await page.until(`${said}.includes("Compiling kernels")`, stepMs);
        await page.until(`${said}.includes("Trained in")`, trainingMs);
        await page.until('location.hash.includes("defence=trained")', stepMs);
        await page.evaluate(click("Explain"));
        await page.until('document.querySelector("#table-result table")', stepMs);
        await page.evaluate(click("Make it forget"));
        await page.until('document.querySelector("#sanity-result table")', stepMs);
        const verdicts = await page.evaluate<number>('document.querySelectorAll("#sanity-result tbody tr").length');
        check.is(verdicts, 5);
        // A table that would take long to read on this thread.
        mkdirSync(dirname(people), { recursive: true });
        writeFileSync(people, peopleCsv({ count: 240_000, seed: 1 }));
        const { result } = await page.send("Runtime.evaluate", { expression: 'document.querySelector("#drop input")' });
        const { objectId } = result as { objectId: string };
        await page.send("DOM.setFileInputFiles", { files: [people], objectId });
        await page.until(`document.querySelector("#table-controls").textContent.includes("people.csv: ")`, stepMs);
        await page.evaluate('document.querySelector(".pad").focus()');
        await page.press(" ", "Space", " ");
        await page.until('location.hash.includes("pixels=")', stepMs);
        await page.until('document.querySelector("#image figcaption").textContent.startsWith("Your picture")', stepMs);
        await shoot(page, "9-everything");
      });
      console.log(`\n    ${tasks}`);
      await noWrongs(page);
    }),
  { timeoutMs: timeoutMs + trainingMs },
);

test(
  "without WebGPU the processor computes, and the page says so",
  () =>
    withPage({ webgpu: false }, async (browser, url) => {
      const page = await browser.open(url, { before: watch });
      await page.until(isDone, 2 * stepMs);
      check.match(
        await page.evaluate<string>('document.querySelector("#place").textContent'),
        "on the processor, with attacks of 8 steps in place of 30",
      );
      await page.until(`${sentence}.includes("The network still says")`, stepMs);
      await shoot(page, "10-without-webgpu", false);
      await noWrongs(page);
    }),
  { timeoutMs },
);
