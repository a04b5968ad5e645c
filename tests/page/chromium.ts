/** The page, served and opened in headless Chromium; pictures of it go to out/page-shots. */
import { mkdirSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { join } from "node:path";
import { buildPage } from "../../page/tools/build.js";
import { servePage } from "../../page/tools/serve.js";
import { Browser, type Page } from "../browser/devtools.js";
import { traceMain } from "../browser/trace.js";
import { findChromium } from "../drivers/find.js";
import { check, root, skip } from "../harness.js";

/** Three times what a machine took that was busy with other work. */
export const timeoutMs = 360_000;
export const stepMs = 90_000;
/** For how long the main thread may compute at a stretch, from its first task on: for 50 ms it would not hear its reader. 13 ms were the most
 *  on two cores where sixteen others computed, and a machine may be slower. How long a task lasts is printed, not judged: where others compute
 *  a thread waits for a processor in the middle of its tasks, a task of 3 ms for 150 and more. */
const LONGEST_TASK_MS = 30;

const shots = join(root, "out/page-shots");

/** Notes what goes wrong. */
export const watch = `
  window.wrongs = [];
  addEventListener("error", ({ message }) => wrongs.push(message));
  addEventListener("unhandledrejection", ({ reason }) => wrongs.push(String(reason)));
  addEventListener("securitypolicyviolation", ({ blockedURI }) => wrongs.push("blocked " + blockedURI));
`;
export const isDone = 'performance.getEntriesByName("first-attack").length > 0';
export const sentence = 'document.querySelector("#sentence").textContent';
export const click = (text: string): string =>
  `[...document.querySelectorAll("button")].find((b) => b.textContent === ${JSON.stringify(text)}).click()`;

export async function shoot(page: Page, name: string, whole = true): Promise<void> {
  mkdirSync(shots, { recursive: true });
  writeFileSync(join(shots, `${name}.png`), await page.screenshot(whole));
}

let built: Promise<string> | undefined;

/** The folder with the page, built once. */
export function pageFolder(): Promise<string> {
  built ??= buildPage(join(root, "out/page-test"));
  return built;
}

/** Runs `body` with a browser and the page served; ends both. */
export async function withPage(
  options: { readonly webgpu?: boolean },
  body: (browser: Browser, url: string) => Promise<void>,
): Promise<void> {
  const program = findChromium() ?? skip("no Chromium; install it, or set HOLDFAST_CHROMIUM to the program");
  const { server, url }: { server: Server; url: string } = await servePage(await pageFolder());
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
export async function unblocked(browser: Browser, body: () => Promise<void>): Promise<string> {
  const { tasks, longest, wall } = await traceMain(browser, "first-map", body);
  check.ok(longest.cpu <= LONGEST_TASK_MS, `the main thread computed at a stretch: ${JSON.stringify(longest)}`);
  return `of ${tasks} tasks of the main thread the longest computed for ${longest.cpu.toFixed(1)} ms; with waiting ${wall.toFixed(0)} ms`;
}

export const noWrongs = async (page: Page): Promise<void> => check.equal(await page.evaluate("wrongs"), []);
