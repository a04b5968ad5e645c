import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
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

/** Runs `body` with a folder that is removed after it. */
async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-write-"));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("a link stays a link, also one that leads to nothing yet, and the file it leads to is written", () =>
  inFolder(async (folder) => {
    mkdirSync(join(folder, "elsewhere"));
    symlinkSync("elsewhere/file", join(folder, "first"));
    symlinkSync("first", join(folder, "second"));
    for (const text of ["one", "two"]) {
      await writeFileAtomic(join(folder, "second"), text);
      check.is(readFileSync(join(folder, "elsewhere/file"), "utf8"), text);
    }
    check.ok(["first", "second"].every((name) => lstatSync(join(folder, name)).isSymbolicLink()));
    check.equal(readdirSync(join(folder, "elsewhere")), ["file"]);
    symlinkSync("round", join(folder, "round"));
    await check.rejects(() => writeFileAtomic(join(folder, "round"), "x"), /circle of symbolic links/);
  }));

test("a file keeps its permissions, and a name may be as long as the file system allows", () =>
  inFolder(async (folder) => {
    const path = join(folder, `${"n".repeat(243)}.safetensors`);
    await writeFileAtomic(path, "first");
    for (const mode of [0o600, 0o640, 0o755]) {
      chmodSync(path, mode);
      await writeFileAtomic(path, String(mode));
      check.equal([statSync(path).mode & 0o777, readFileSync(path, "utf8")], [mode, String(mode)]);
    }
  }));

test("a device takes what it gets and stays a device", async () => {
  await writeFileAtomic("/dev/null", "x");
  check.ok(lstatSync("/dev/null").isCharacterDevice());
  const error = (await check.rejects(() => writeFileAtomic("/dev/full", "x"), Error)) as NodeJS.ErrnoException;
  check.is(error.code, "ENOSPC");
  check.ok(lstatSync("/dev/full").isCharacterDevice());
});

test("what another container is writing is left alone, what it wrote yesterday is not, and what cannot be removed does no harm", () =>
  inFolder(async (folder) => {
    const path = join(folder, "file");
    await writeFileAtomic(path, "x");
    let own: string | undefined;
    const seen = setInterval(() => {
      own ??= readdirSync(folder).find((entry) => entry.endsWith(".tmp"));
    }, 0);
    for (let i = 0; i < 200 && !own; i++) await writeFileAtomic(path, new Uint8Array(2 ** 20));
    clearInterval(seen);
    const [, name, place, pid] = /^\.hf-(\w{8})-(\w{8})-(\d+)-/.exec(own ?? "none was seen")!;
    check.is(Number(pid), process.pid);
    const temporary = (where: string, of: number, tag: string): string =>
      join(folder, `.hf-${name}-${where}-${of}-${tag.repeat(12)}.tmp`);
    const elsewhere = place === "00000000" ? "11111111" : "00000000";
    const [fresh, old, before, fixed] = [
      temporary(elsewhere, process.pid, "a"),
      temporary(elsewhere, process.pid, "b"),
      temporary(place, process.pid, "c"),
      temporary(elsewhere, 1, "d"),
    ];
    for (const file of [fresh, old, before]) writeFileSync(file, "");
    // A folder cannot be removed as a file, as another user's file cannot be in a folder like /tmp.
    mkdirSync(fixed);
    const yesterday = Date.now() / 1000 - 2 * 24 * 3600;
    for (const file of [old, before, fixed]) utimesSync(file, yesterday, yesterday);
    await writeFileAtomic(path, "y");
    check.equal([fresh, old, before, fixed].map(existsSync), [true, false, false, true]);
  }));
