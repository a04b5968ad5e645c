/** What a reader has to load before the first map, and from where. */
import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { gzipSync } from "node:zlib";
import { check, test } from "../harness.js";
import { pageFolder } from "./chromium.js";

/** Bytes that come before the first map, as files and compressed, and of them those that the main thread reads; little above what they are. */
const BUDGET = { raw: 843_000, gzip: 290_500, seen: 40_000 };
test("the page is small, and names no other address", async () => {
  const folder = await pageFolder();
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
