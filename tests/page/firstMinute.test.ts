/** The page in headless Chromium: the first minute step by step, a link that repeats, and a device that is lost. */
import { check, test } from "../harness.js";
import { isDone, noWrongs, sentence, shoot, stepMs, timeoutMs, unblocked, watch, withPage } from "./chromium.js";

/** Milliseconds from opening to the first map on a software driver of a busy machine: 33 s where fifteen others computed on two cores. */
const FIRST_MAP_MS = 60_000;
const markOf = (name: string): string => `performance.getEntriesByName("${name}")[0].startTime`;

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
