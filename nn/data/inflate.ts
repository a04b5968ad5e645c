import { DataError } from "./error.js";

/**
 * Decompresses `bytes`, in Node and in browsers alike, and stops as soon as more than `maxBytes` come out, so that a
 * small file cannot fill the memory. `what` names the data in messages.
 * @throws DataError if the stream is damaged, cut short or larger than `maxBytes`.
 */
export async function inflate(
  bytes: Uint8Array,
  format: "gzip" | "deflate",
  maxBytes: number,
  what: string,
): Promise<Uint8Array> {
  const reader = new Blob([bytes as Uint8Array<ArrayBuffer>])
    .stream()
    .pipeThrough(new DecompressionStream(format))
    .getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (let step = await reader.read(); !step.done; step = await reader.read()) {
      chunks.push(step.value);
      length += step.value.length;
      if (length > maxBytes) break;
    }
  } catch (cause) {
    throw new DataError(
      `${what}: ${bytes.length} bytes of ${format} data are damaged or cut short after ${length} bytes of output; a whole ${format} stream is needed; fetch the file again`,
      { cause },
    );
  }
  if (length > maxBytes) {
    await reader.cancel().catch(() => {});
    throw new DataError(
      `${what}: ${bytes.length} bytes of ${format} data hold more than ${maxBytes} bytes; at most ${maxBytes} are allowed; check that this is the right file`,
    );
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
