/** The look of every report: system fonts, one column, sharp pixels, light and dark, fit for printing. */
export const STYLE = `
:root {
  --paper: #fbfbf9; --ink: #1c1f24; --quiet: #626873; --line: #dcdfe4; --card: #ffffff; --accent: #9a3412;
  --warm: #fff4e5; --positive: #b2182b; --negative: #2166ac;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14161a; --ink: #e6e8ec; --quiet: #9aa1ad; --line: #30343c; --card: #1b1e24; --accent: #f0a070;
    --warm: #33271a; --positive: #ef8a62; --negative: #67a9cf;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
}
main { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .5rem; letter-spacing: -.01em; text-wrap: balance; }
h2 { font-size: 1.3rem; margin: 3rem 0 .75rem; padding-top: 1rem; border-top: 1px solid var(--line); }
p { max-width: 44rem; margin: .75rem 0; }
.lead { font-size: 1.1rem; color: var(--quiet); }
code { font: .9em/1.4 ui-monospace, "SF Mono", Menlo, "DejaVu Sans Mono", monospace; }
.notice { background: var(--warm); border-left: 4px solid var(--accent); padding: .6rem 1rem; border-radius: 0 4px 4px 0; }
.facts {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 1px; margin: 1.25rem 0; padding: 0;
  background: var(--line); border: 1px solid var(--line); border-radius: 6px; overflow: hidden;
}
.facts div { background: var(--card); padding: .8rem 1rem; }
.facts dd { margin: 0; font-size: 1.35rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.facts dt { color: var(--quiet); font-size: .85rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--quiet); font-size: .9rem; padding-bottom: .4rem; }
th, td { text-align: left; padding: .4rem .9rem .4rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
thead th { font-size: .85rem; color: var(--quiet); font-weight: 600; border-bottom-width: 2px; }
.number { text-align: right; }
figure { margin: 1.25rem 0; }
figcaption { color: var(--quiet); font-size: .9rem; max-width: 44rem; margin-top: .4rem; }
img { display: block; image-rendering: pixelated; }
img.wide { max-width: 100%; height: auto; border-radius: 4px; }
img.tile { width: 128px; height: 128px; border-radius: 3px; }
.grid { margin: 0; }
.grid th, .grid td { border: 0; padding: .25rem .35rem; }
.grid thead th { vertical-align: bottom; width: 128px; line-height: 1.3; }
.grid tbody th { font-weight: 600; font-size: .9rem; padding-right: 1rem; min-width: 6.5rem; max-width: 11rem; padding-top: 3.6rem; }
.grid small { display: block; color: var(--quiet); font-size: .78rem; line-height: 1.4; max-width: 128px; font-variant-numeric: tabular-nums; margin-top: .2rem; }
h3 { font-size: 1.05rem; margin: 1.75rem 0 .25rem; }
svg.wide { display: block; max-width: 100%; height: auto; }
svg [tabindex]:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
details { margin: 1rem 0; }
summary { cursor: pointer; color: var(--quiet); }
.maps { display: flex; flex-wrap: wrap; gap: .5rem 1rem; }
.maps figure { margin: .5rem 0; max-width: 100%; }
.frame { position: relative; display: inline-block; max-width: 100%; line-height: 0; }
.frame:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; }
.frame img { max-width: 100%; height: auto; }
.frame i { position: absolute; min-width: 3px; min-height: 3px; border: 1px solid #fff; outline: 1px solid #000; pointer-events: none; }
.reading {
  display: block; position: sticky; bottom: 0; margin: 1rem 0; padding: .5rem 1rem; background: var(--card); border: 1px solid var(--line);
  border-radius: 6px; font-size: .9rem; font-variant-numeric: tabular-nums;
}
footer { margin-top: 3.5rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--quiet); font-size: .85rem; }
@media print {
  :root { --paper: #fff; --ink: #000; --quiet: #444; --line: #bbb; --card: #fff; --accent: #000; --warm: #fff; --positive: #b2182b; --negative: #2166ac; }
  body { font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  h2 { break-after: avoid; }
  figure, tr, .facts { break-inside: avoid; }
  img { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  img.tile { width: 22mm; height: 22mm; }
  .reading { display: none; }
  details > * { display: block; }
}`;
