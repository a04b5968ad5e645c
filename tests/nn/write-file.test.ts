import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeFileAtomic } from "../../nn/write-file.node.js";
import { check, test } from "../harness.js";

const BYTES = 4 * 2 ** 20;
const KILLS = 30;

/** A process that overwrites a file again and again, every byte of version n being n mod 256. */
const WRITER = `
  const { writeFileAtomic } = await import(process.argv[1]);
  for (let version = 1; ; version++) {
    await writeFileAtomic(process.argv[2], new Uint8Array(${BYTES}).fill(version));
    process.stdout.write(".");
  }`;

function killedWriter(path: string, afterMs: number): Promise<void> {
  const module = new URL("../../nn/write-file.node.js", import.meta.url).href;
  const child = spawn(process.execPath, ["--input-type=module", "-e", WRITER, module, path]);
  // The clock starts with the first finished write, so that the kill lands in a later one.
  child.stdout.once("data", () => setTimeout(() => child.kill("SIGKILL"), afterMs));
  return new Promise((resolve) => child.once("close", () => resolve()));
}

test(
  "a process killed at any moment leaves the old file or the new one",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "holdfast-kill-"));
    const path = join(folder, "weights.safetensors");
    try {
      let leftovers = 0;
      for (let kill = 0; kill < KILLS; kill++) {
        await killedWriter(path, (kill * 7) % 40);
        const contents = readFileSync(path);
        check.is(contents.length, BYTES, `kill ${kill}: the file is whole`);
        check.ok(
          contents.every((byte) => byte === contents[0]),
          `kill ${kill}: the file is one version`,
        );
        leftovers += readdirSync(folder).length - 1;
      }
      check.ok(leftovers > 0, "some kills came in the middle of a write, or nothing was tested");
      await writeFileAtomic(path, "last");
      check.equal(readdirSync(folder), ["weights.safetensors"], "temporary files of killed processes are swept");
      check.is(readFileSync(path, "utf8"), "last");
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
  { timeoutMs: 120_000 },
);

test("writes create the folder, run side by side, and leave files of others alone", async () => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-write-"));
  try {
    const path = join(folder, "a", "b", "file");
    await Promise.all(Array.from({ length: 8 }, (_, i) => writeFileAtomic(path, new Uint8Array(1000).fill(i))));
    check.is(new Set(readFileSync(path)).size, 1, "one of the eight versions");
    const neighbour = join(folder, "a", "b", ".other.1.0123456789ab.tmp");
    writeFileSync(neighbour, "");
    await writeFileAtomic(path, "x");
    check.ok(existsSync(neighbour), "a temporary file of another name");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a write that fails leaves no temporary file", async () => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-fail-"));
  try {
    // A folder cannot be replaced by a file.
    await writeFileAtomic(join(folder, "name", "file"), "x");
    await check.rejects(() => writeFileAtomic(join(folder, "name"), "x"), Error);
    check.equal(readdirSync(folder), ["name"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
