/** `npm run docs`: builds the documentation and says what it is made of. */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { buildSite } from "./site.js";

const { values } = parseArgs({
  options: { out: { type: "string", default: "out/docs" }, source: { type: "string" } },
});
const root = fileURLToPath(new URL("../../../", import.meta.url));
const out = resolve(values.out);
const site = await buildSite(root, out, { source: values.source });
console.log(
  `${site.pages.length} pages in ${values.out}: ${site.byHand} by hand, ${site.pages.length - site.byHand} generated ` +
    `(${site.generatedLines} lines, ${site.names} names, ${site.silent.length} of them without a docstring); open ${values.out}/index.html`,
);
