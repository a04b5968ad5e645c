import {
  code,
  escapeHtml,
  facts,
  figure,
  line,
  notice,
  page,
  pictureGrid,
  section,
  strong,
  table,
} from "../../atex/render/html.js";
import { blank } from "../../atex/render/picture.js";
import { linePlot } from "../../atex/render/plot.js";
import { check, test } from "../harness.js";

test("text is escaped wherever it stands in a page", () => {
  const evil = `<img src=x onerror="alert('1')">&`;
  const text = page({
    title: evil,
    lead: evil,
    footer: line(evil, code(evil), strong(evil)),
    sections: [
      section(evil, evil, notice(evil), facts([[evil, evil]]), table([evil], [[evil]], evil)),
      section("s", figure(blank(1, 1), evil, evil)),
      section("g", pictureGrid([evil], [{ label: evil, pictures: [blank(1, 1)], notes: [evil] }], evil)),
    ],
  });
  check.ok(!text.includes("<img src=x") && !text.includes('onerror="'), "no markup of the text's own");
  check.is(text.split(escapeHtml(evil)).length - 1, 22);
  check.is(escapeHtml(`&<>"'`), "&amp;&lt;&gt;&quot;&#39;");
});

test("a page stands alone: no scripts, nothing loaded, every tag closed", () => {
  const text = page({
    title: "t",
    lead: "l",
    sections: [section("s", pictureGrid(["c"], [{ label: "r", pictures: [blank(2, 2)] }], "x"), table(["a"], [[1]]))],
  });
  check.ok(!/<script|<link|https?:|@import|url\(/i.test(text), "nothing from elsewhere");
  for (const [, address] of text.matchAll(/src="([^"]*)"/g)) check.match(address, /^data:image\/png;base64,/);
  const open: string[] = [];
  for (const [, closing, name] of text.matchAll(/<(\/?)([a-z][a-z0-9]*)/g)) {
    if (["meta", "img"].includes(name)) continue;
    if (closing) check.is(open.pop(), name);
    else open.push(name);
  }
  check.equal(open, []);
});

test("numbers stand on the right in tables, with their headings", () => {
  const { html } = table(
    ["class", "overlap"],
    [
      ["disc", 0.5],
      ["ring", "−0.2"],
    ],
  );
  check.match(html, '<th scope="col" class="number">overlap</th>');
  check.match(html, '<th scope="col">class</th>');
  check.is(html.split('<td class="number">').length - 1, 2);
});

test("24 series of a plot look different and stay inside it", () => {
  const series = Array.from({ length: 24 }, (_, i) => ({ name: "s", points: [{ x: 1, y: i, half: 0 }] }));
  const { html } = linePlot({ title: "t", x: "x", y: "y", series });
  const legends = html.match(/<span .*?<\/span>/g)!;
  check.is(new Set(legends).size, 24);
  const places = [...html.matchAll(/points="([\d.]+),/g)].map(([, x]) => Number(x));
  check.ok(places.length === 24 && Math.min(...places) >= 52 && Math.max(...places) <= 428, `x from ${places}`);
});
