/** What Mesa's AMD compiler says of a shader (RADV_DEBUG=shaderstats,asm), read: figures, and instructions by basic block. */

/** Instructions by kind. */
export interface Counts {
  readonly fma: number;
  /** All vector arithmetic, fma included. */
  readonly valu: number;
  /** Products of 32 bits, of which divisions are made; a quarter of the speed of others. */
  readonly integerMultiplies: number;
  readonly ldsReads: number;
  readonly ldsWrites: number;
  readonly loads: number;
  readonly stores: number;
  /** Stores of four numbers at once. */
  readonly wideStores: number;
  /** Upper halves of products of 32 bits: two in each integer division by what the compiler does not know, one by a constant. */
  readonly highMultiplies: number;
}

export interface IsaFigures {
  readonly vgprs: number;
  readonly spilled: number;
  readonly ldsBytes: number;
  /** Waves that a SIMD holds at once, by registers and workgroup memory. */
  readonly waves: number;
  readonly codeBytes: number;
  readonly all: Counts;
  /** A pass of the loop over the steps of a sum: the outermost with the most fma (else the most arithmetic), or one in it that runs nobody knows
   *  how often; inner loops as often as they run. Undefined where no loop is. */
  readonly loop?: Counts;
  /** Whether a loop inside it runs a number of times that could not be read, and was counted once. */
  readonly loopIsGuess?: boolean;
}

const patterns: Readonly<Record<keyof Counts, RegExp>> = {
  fma: /^v_(mac|fma|mad|fmac)_f32/,
  valu: /^v_/,
  integerMultiplies: /^v_mul_(lo|hi)_/,
  ldsReads: /^ds_read/,
  ldsWrites: /^ds_write/,
  loads: /^(buffer|global|flat)_load/,
  stores: /^(buffer|global|flat)_store/,
  wideStores: /^(buffer|global|flat)_store_dwordx4/,
  highMultiplies: /^v_mul_hi_/,
};
const kinds = Object.keys(patterns) as (keyof Counts)[];
const counts = (of: (kind: keyof Counts) => number): Counts =>
  Object.fromEntries(kinds.map((kind) => [kind, of(kind)])) as unknown as Counts;

/** The share of fma in vector arithmetic. */
export function fmaShare({ fma, valu }: Counts): number {
  return valu === 0 ? 0 : fma / valu;
}

/** Instructions of the text, labels included. */
function instructionsOf(text: string): string[] {
  return text
    .split("\n")
    .filter((line) => /^(\t|BB\d+:)/.test(line))
    .map((line) => line.replace(/;.*$/, "").trim());
}

/** A loop: from its label to the last branch back to it. */
interface Loop {
  readonly start: number;
  readonly end: number;
  readonly children: Loop[];
  parent?: Loop;
}

function loopsOf(lines: readonly string[]): Loop[] {
  const labels = new Map<string, number>();
  const ends = new Map<number, number>();
  for (const [i, line] of lines.entries()) {
    const label = /^(BB\d+):/.exec(line)?.[1];
    if (label) labels.set(label, i);
    const target = /^s_c?branch\S* (BB\d+)/.exec(line)?.[1];
    const start = target === undefined ? undefined : labels.get(target);
    // Only what lies before is known yet.
    if (start !== undefined) ends.set(start, i);
  }
  const loops: Loop[] = [...ends].map(([start, end]) => ({ start, end, children: [] }));
  loops.sort((a, b) => a.start - b.start || b.end - a.end);
  for (const [i, loop] of loops.entries()) {
    loop.parent = loops.slice(0, i).findLast((other) => other.end >= loop.end);
    loop.parent?.children.push(loop);
  }
  return loops;
}

/** The lines of a loop that are not those of a loop inside it. */
function ownOf(lines: readonly string[], { start, end, children }: Loop): string[] {
  const isInside = (at: number): boolean => children.some((child) => at >= child.start && at <= child.end);
  return lines.slice(start, end + 1).filter((_, i) => !isInside(start + i));
}

/** What may stand between a comparison of scalars and the jump that it decides on. */
const leavesConditions = /^(v_|ds_|buffer_|global_|s_waitcnt|s_mov|s_nop|s_load|s_buffer_load|BB)/;

/** How often a loop runs: a register that begins at zero, grows by a number and is compared with one. */
function tripsOf(lines: readonly string[], loop: Loop): number | undefined {
  const inside = ownOf(lines, loop);
  const number = (text: string): number => (text.startsWith("0x") ? Number.parseInt(text, 16) : Number(text));
  for (const [i, line] of inside.entries()) {
    // Other comparisons choose values: that of the loop decides on a jump, or stands where it begins.
    if (i > 4 && !/^s_cbranch_scc/.test(inside.slice(i + 1).find((next) => !leavesConditions.test(next)) ?? ""))
      continue;
    const scalar = /^s_cmpk?_\w+_[iu]32 (s\d+), (0x[\da-f]+|\d+)$/.exec(line);
    const vector = /^v_cmpx?_\w+_[iu]32\S* (?:vcc|s\[\S+\]|exec), (0x[\da-f]+|\d+), (v\d+)$/.exec(line);
    const register = scalar?.[1] ?? vector?.[2];
    const limit = number(scalar?.[2] ?? vector?.[1] ?? "0");
    if (register === undefined || limit === 0) continue;
    const adds = inside.flatMap((other) => {
      const s = new RegExp(`^s_add[ck]?_[iu]32 ${register}, (?:${register}, )?(0x[\\da-f]+|\\d+)$`).exec(other);
      const v = new RegExp(`^v_add_[iu]32\\S* ${register}, (?:vcc|s\\[\\S+\\]), (0x[\\da-f]+|\\d+), ${register}$`).exec(
        other,
      );
      return s ? [number(s[1])] : v ? [number(v[1])] : [];
    });
    if (adds.length === 1 && adds[0] > 0) return Math.max(1, Math.round(limit / adds[0]));
  }
  return undefined;
}

/** A pass of the loop, loops inside it included as often as they run. */
function passOf(lines: readonly string[], loop: Loop): { counts: Counts; isGuess: boolean } {
  const parts = loop.children.map((child) => {
    const trips = tripsOf(lines, child);
    const pass = passOf(lines, child);
    return { ...pass, isGuess: pass.isGuess || trips === undefined, trips: trips ?? 1 };
  });
  const own = ownOf(lines, loop);
  return {
    counts: counts(
      (kind) =>
        own.filter((line) => patterns[kind].test(line)).length +
        parts.reduce((sum, part) => sum + part.trips * part.counts[kind], 0),
    ),
    isGuess: parts.some(({ isGuess }) => isGuess),
  };
}

/** The loop inside that holds most of the fma and runs nobody knows how often, such as the steps of a block of a long sum; else itself. */
function mainOf(lines: readonly string[], loop: Loop): Loop {
  const { counts } = passOf(lines, loop);
  // Steps are fetched in it; what only multiplies what was fetched is no loop over steps.
  const isStaged = (child: Loop): boolean =>
    passOf(lines, child).counts.ldsWrites + passOf(lines, child).counts.loads > 0;
  const inner = loop.children.find(
    (child) =>
      tripsOf(lines, child) === undefined && isStaged(child) && passOf(lines, child).counts.fma > counts.fma / 2,
  );
  return inner ? mainOf(lines, inner) : loop;
}

/** @throws Error for a text without figures. */
export function parseShader(text: string): IsaFigures {
  const figure = (name: string): number => {
    const found = new RegExp(`^${name}: (\\d+)`, "m").exec(text)?.[1];
    if (found === undefined) throw new Error(`the driver says nothing of ${name}`);
    return Number(found);
  };
  const lines = instructionsOf(text);
  const outermost = loopsOf(lines).filter(({ parent }) => !parent);
  const passes = outermost.map((loop) => passOf(lines, mainOf(lines, loop)));
  passes.sort((a, b) => b.counts.fma - a.counts.fma || b.counts.valu - a.counts.valu);
  const [main] = passes;
  return {
    vgprs: figure("VGPRs"),
    spilled: figure("Spilled VGPRs") + figure("Spilled SGPRs"),
    ldsBytes: figure("LDS size"),
    waves: figure("Subgroups per SIMD"),
    codeBytes: figure("Code size"),
    all: counts((kind) => lines.filter((line) => patterns[kind].test(line)).length),
    ...(main && { loop: main.counts, loopIsGuess: main.isGuess }),
  };
}
