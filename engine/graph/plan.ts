/** Which intermediate results of a captured step share a buffer. Pure; tested against "no two live values share one".
 *  Whole buffers are reused, never ranges: WebGPU refuses two ranges of one buffer as read and read_write in a dispatch. */

/** When a value occupies memory: from the launch that writes it to the last that touches it, both included. */
export interface Lifetime {
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
  /** Values with the same name are put into one buffer, which others may use in between; their lives must not overlap. */
  readonly home?: string;
}

export interface BufferPlan {
  /** For each value, the index of its buffer. */
  readonly bufferOf: readonly number[];
  readonly bufferBytes: readonly number[];
}

/** Greedy by size: the largest values choose first, each takes the smallest buffer that is free during its life. A value
 *  that fits no buffer gets its own, so no buffer ever has to grow.
 *  Source: Pisarchyk and Lee 2020, "Efficient memory management for deep neural net inference", section 4.3. */
export function planBuffers(values: readonly Lifetime[]): BufferPlan {
  const buffers: { bytes: number; taken: Lifetime[] }[] = [];
  const bufferOf = new Array<number>(values.length).fill(-1);
  const homes = new Map<string, number>();
  const place = (i: number, at: number): void => {
    bufferOf[i] = at;
    buffers[at].taken.push(values[i]);
  };
  const bySize = values.map((_, i) => i).sort((i, j) => values[j].bytes - values[i].bytes);
  for (const i of bySize) {
    const { home, bytes } = values[i];
    if (home === undefined) continue;
    let at = homes.get(home);
    if (at === undefined) {
      at = buffers.push({ bytes, taken: [] }) - 1;
      homes.set(home, at);
    }
    if (!isFree(buffers[at].taken, values[i])) throw new Error(`internal: two values live at once in buffer "${home}"`);
    place(i, at);
  }
  for (const i of bySize) {
    if (bufferOf[i] >= 0) continue;
    let best = -1;
    const { bytes } = values[i];
    for (let at = 0; at < buffers.length && (best < 0 || buffers[best].bytes > bytes); at++) {
      const buffer = buffers[at];
      if (buffer.bytes < bytes || (best >= 0 && buffer.bytes >= buffers[best].bytes)) continue;
      if (isFree(buffer.taken, values[i])) best = at;
    }
    place(i, best >= 0 ? best : buffers.push({ bytes, taken: [] }) - 1);
  }
  return { bufferOf, bufferBytes: buffers.map((b) => b.bytes) };
}

function isFree(taken: readonly Lifetime[], value: Lifetime): boolean {
  return taken.every((other) => other.last < value.first || value.last < other.first);
}

/** The most bytes that live at once: no plan can hold less. */
export function lowerBound(values: readonly Lifetime[]): number {
  const changes = values.flatMap(({ first, last, bytes }) => [
    { at: first, bytes },
    { at: last + 1, bytes: -bytes },
  ]);
  // What ends before a launch is gone when others begin there.
  changes.sort((a, b) => a.at - b.at || a.bytes - b.bytes);
  let most = 0;
  let now = 0;
  for (const { bytes } of changes) {
    now += bytes;
    most = Math.max(most, now);
  }
  return most;
}
