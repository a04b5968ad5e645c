/** The page in headless Chromium where something is missing: WebGPU, or the worker. */
import { check, test } from "../harness.js";
import { click, isDone, noWrongs, sentence, shoot, stepMs, timeoutMs, watch, withPage } from "./chromium.js";

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
      // The line has its place before it comes, also on a small screen.
      const top = 'document.querySelector("#pictures").getBoundingClientRect().top + scrollY';
      for (const width of [1280, 800, 360]) {
        await page.size(width, 900);
        const tops = await page.evaluate<number[]>(`(() => {
          const line = document.querySelector("#place");
          const lines = [line.textContent, "", "This adapter is slow: while a control moves, attacks take fewer steps."];
          const found = lines.map((text) => ((line.textContent = text), ${top}));
          line.textContent = lines[0];
          return found;
        })()`);
        check.is(new Set(tops).size, 1, `the pictures move at a width of ${width}: ${tops}`);
      }
      await noWrongs(page);
    }),
  { timeoutMs },
);

test(
  "a page whose worker does not start says so, and every button is answered",
  () =>
    withPage({}, async (browser, url) => {
      const broken = `const Real = Worker; window.Worker = function () { return new Real("missing.js", { type: "module" }); };`;
      const page = await browser.open(url, { before: watch + broken });
      await page.until('document.querySelector("#place")?.textContent.includes("does not start here")', stepMs);
      await page.until('document.querySelector("#sanity")?.hidden === false', stepMs);
      await page.evaluate(click("Take the picture above"));
      await page.until('document.querySelector("#pad").textContent.includes("cannot be taken")', stepMs);
      await page.evaluate('for (const button of document.querySelectorAll("button")) button.click()');
      await new Promise((resolve) => setTimeout(resolve, 500));
      await noWrongs(page);
    }),
  { timeoutMs },
);
