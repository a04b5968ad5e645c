/** The most frequent names with their shares, for people: "mul (40 %), add (25 %), exp (8 %) and 4 others". */
export function formatShares(names: readonly string[], most = 3): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  const first = sorted.slice(0, most).map(([name, n]) => `${name} (${Math.round((100 * n) / names.length)} %)`);
  const others = sorted.length - first.length;
  return first.join(", ") + (others > 0 ? ` and ${others} other${others > 1 ? "s" : ""}` : "");
}
