/** The page in headless Chromium: how it is read, and its sections further down. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { peopleCsv } from "../../page/core/people.js";
import { check, root, test } from "../harness.js";
import { click, noWrongs, shoot, stepMs, timeoutMs, unblocked, watch, withPage } from "./chromium.js";

/** The training, of which compiling its kernels is the largest part: 44 s on a quiet software driver before it tested on fewer
 *  pictures, four times that for slower machines. */
const trainingMs = 180_000;

/** A table of several megabytes, to be dropped. */
const people = join(root, "out/page-test-people/people.csv");

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
