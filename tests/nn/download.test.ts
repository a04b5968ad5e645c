import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
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
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { RemoteFile } from "../../nn/data/collections.js";
import { type DownloadOptions, download } from "../../nn/data/download.node.js";
import { DataError } from "../../nn/data/error.js";
import type { Progress } from "../../nn/data/options.js";
import { check, test } from "../harness.js";

const CONTENTS = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 2654435761) >>> 24);
const SUM = createHash("sha256").update(CONTENTS).digest("hex");

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

interface Scene {
  readonly file: RemoteFile;
  readonly path: string;
  readonly part: string;
  /** The Range header of every request, in order. */
  readonly ranges: (string | undefined)[];
  run(options?: DownloadOptions): Promise<void>;
}

/** A server on the loopback interface with one address per answer, and an empty folder. */
async function withServer(answers: Answer[], play: (scene: Scene) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-download-"));
  const ranges: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    ranges.push(request.headers.range);
    answers[Number(request.url?.slice(1))](request, response);
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  const urls = answers.map((_, index) => `http://127.0.0.1:${port}/${index}`);
  const file = { name: "data.gz", bytes: CONTENTS.length, sha256: SUM, urls };
  const path = join(folder, "set", "data.gz");
  try {
    await play({ file, path, part: `${path}.part`, ranges, run: (options) => download(file, path, options) });
  } finally {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  }
}

/** Serves the contents and honours Range, as file servers do. */
const good: Answer = (request, response) => {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  if (start > 0) {
    response.writeHead(206, { "content-range": `bytes ${start}-${CONTENTS.length - 1}/${CONTENTS.length}` });
  }
  response.end(CONTENTS.subarray(start));
};
const ignoresRange: Answer = (_request, response) => response.end(CONTENTS);
const missing: Answer = (_request, response) => response.writeHead(404).end("no such file");
const wrongBytes: Answer = (_request, response) => response.end(new Uint8Array(CONTENTS.length));
const tooLong: Answer = (_request, response) => response.end(new Uint8Array(CONTENTS.length + 1));
const tooShort: Answer = (_request, response) => response.end(CONTENTS.subarray(0, 1000));
const silent: Answer = () => {};

/** Breaks the connection after 100 000 bytes of every answer. */
const breaksOff: Answer = (request, response) => {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  const headers = { "content-length": CONTENTS.length - start };
  if (start === 0) response.writeHead(200, headers);
  else
    response.writeHead(206, {
      ...headers,
      "content-range": `bytes ${start}-${CONTENTS.length - 1}/${CONTENTS.length}`,
    });
  const piece = CONTENTS.subarray(start, start + 100_000);
  response.write(piece, () => {
    if (start + piece.length < CONTENTS.length) setTimeout(() => response.destroy(), 20);
    else response.end();
  });
};

const arrived = (path: string) => readFileSync(path).equals(CONTENTS);

test("a download arrives whole, with progress and without leftovers", () =>
  withServer([good], async ({ path, part, run }) => {
    const seen: Progress[] = [];
    await run({ onProgress: (progress) => seen.push(progress) });
    check.ok(arrived(path) && !existsSync(part), "the file and nothing else");
    check.equal(seen.at(-1), { file: "data.gz", received: CONTENTS.length, total: CONTENTS.length });
    check.ok(
      seen.every(({ received }, i) => i === 0 || received > seen[i - 1].received),
      "progress grows",
    );
  }));

test("a broken connection is resumed where it broke", () =>
  withServer([breaksOff], async ({ path, ranges, run }) => {
    await run();
    check.ok(arrived(path), "the file is whole");
    check.equal(ranges, [undefined, "bytes=100000-", "bytes=200000-"]);
  }));

test("a later run continues what an earlier one left", () =>
  withServer([missing, good], async ({ file, path, part, ranges, run }) => {
    await check.rejects(() => download({ ...file, urls: [file.urls[0]] }, path), DataError);
    writeFileSync(part, CONTENTS.subarray(0, 250_000));
    await run();
    check.ok(arrived(path), "the file is whole");
    check.equal(ranges, [undefined, "bytes=250000-", "bytes=250000-"]);
  }));

test("a server that ignores Range starts the file anew", () =>
  withServer([missing, ignoresRange], async ({ file, path, part, run }) => {
    await check.rejects(() => download({ ...file, urls: [file.urls[0]] }, path), DataError);
    writeFileSync(part, CONTENTS.subarray(0, 250_000));
    await run();
    check.ok(arrived(path), "the file is whole");
  }));

test("a leftover with wrong bytes, or too many, is dropped and fetched again from the only address", async () => {
  for (const size of [1000, CONTENTS.length, CONTENTS.length + 5]) {
    await withServer([good], async ({ path, part, run }) => {
      await run();
      rmSync(path);
      writeFileSync(part, new Uint8Array(size));
      await run();
      check.ok(arrived(path), `the file is whole after a leftover of ${size} bytes`);
    });
  }
});

test("the next address is tried when one fails", async () => {
  for (const bad of [missing, wrongBytes, tooLong, tooShort]) {
    await withServer([bad, good], async ({ path, run }) => {
      await run();
      check.ok(arrived(path), "the file is whole");
    });
  }
});

test("what every address answered is told, and nothing is left under the name", () =>
  withServer([missing, wrongBytes, tooLong], async ({ path, part, run }) => {
    const error = await check.rejects(run, DataError);
    check.match(error.message, /^data\.gz: no address delivered it \(http:\S+\/0: answered 404; /);
    check.match(error.message, /\/1: delivered sha256 [0-9a-f]{16}…, [0-9a-f]{16}… is needed; /);
    check.match(
      error.message,
      /\/2: sent more than the 300000 bytes of the file\); put the file at \S+data\.gz, or name a folder/,
    );
    check.ok(!existsSync(path) && !existsSync(part), "no file");
  }));

test("a server that falls silent is given up on", () =>
  withServer([silent, good], async ({ path, run }) => {
    await run({ stallMs: 1500 });
    check.ok(arrived(path), "the file is whole");
  }));

test("an abort ends the download with its own reason and keeps what has come", () =>
  withServer([breaksOff, good], async ({ part, path, run }) => {
    const controller = new AbortController();
    const onProgress = () => controller.abort(new Error("the user left"));
    await check.rejects(() => run({ signal: controller.signal, onProgress }), /^the user left$/);
    check.ok(statSync(part).size > 0 && !existsSync(path), "a part and no file");
  }));

/** Sends a few bytes now and then, for ever. */
const drips: Answer = (_request, response) => {
  response.writeHead(200, { "content-length": CONTENTS.length });
  let at = 0;
  const timer = setInterval(() => response.write(CONTENTS.subarray(at, ++at)), 20);
  response.on("close", () => clearInterval(timer));
};

test("a server that only drips is given up on", () =>
  withServer([drips, good], async ({ path, run }) => {
    await run({ stallMs: 1500 });
    check.ok(arrived(path), "the file is whole");
  }));

test("an address that satisfies no range is told of in a sentence, with and without a part", async () => {
  const unsatisfied: Answer = (_request, response) => response.writeHead(416).end();
  await withServer([unsatisfied], async ({ path, part, run }) => {
    check.match((await check.rejects(run, DataError)).message, /answered 416/);
    writeFileSync(part, CONTENTS.subarray(0, 1000));
    check.match((await check.rejects(run, DataError)).message, /answered 416/);
    check.ok(!existsSync(part) && !existsSync(path), "what cannot be continued is dropped");
  });
});

test("a link that is called like a part is not followed", () =>
  withServer([good], async ({ path, part, run }) => {
    mkdirSync(dirname(path), { recursive: true });
    const victim = join(dirname(path), "victim");
    writeFileSync(victim, "precious");
    symlinkSync(victim, part);
    await run();
    check.equal([readFileSync(victim, "utf8"), arrived(path), existsSync(part)], ["precious", true, false]);
    check.ok(lstatSync(path).isFile(), "a file of its own");
  }));

test("what a killed process left long ago is continued, what another one is writing is left alone", () =>
  withServer([good], async ({ path, ranges, run }) => {
    mkdirSync(dirname(path), { recursive: true });
    const [old, fresh] = [`${path}.77-0123456789ab.part`, `${path}.78-0123456789ab.part`];
    for (const left of [old, fresh]) writeFileSync(left, CONTENTS.subarray(0, 250_000));
    const hourAgo = Date.now() / 1000 - 3600;
    utimesSync(old, hourAgo, hourAgo);
    await run();
    check.ok(arrived(path), "the file is whole");
    check.equal([ranges, existsSync(old), existsSync(fresh)], [["bytes=250000-"], false, true]);
  }));

test("a folder that cannot be written is told of in a sentence", () =>
  withServer([good], async ({ file, path }) => {
    writeFileSync(dirname(path), "a file in the place of the folder");
    const error = await check.rejects(() => download(file, path), DataError);
    check.match(error.message, /^data\.gz: it cannot be kept at \S+ \(E\w+\); name a folder that has it/);
  }));

const DOWNLOADER = `
  const { download } = await import(process.argv[1]);
  const [file, path] = JSON.parse(process.argv[2]);
  await download(file, path);
  const { createHash } = await import("node:crypto");
  const { readFileSync } = await import("node:fs");
  process.exit(createHash("sha256").update(readFileSync(path)).digest("hex") === file.sha256 ? 0 : 3);`;

test(
  "processes that download one file at once all get it whole, on a line that breaks",
  () =>
    withServer([breaksOff], async ({ file, path, run }) => {
      const module = new URL("../../nn/data/download.node.js", import.meta.url).href;
      const args = ["--input-type=module", "-e", DOWNLOADER, module, JSON.stringify([file, path])];
      const children = Array.from({ length: 2 }, () =>
        spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] }),
      );
      const codes = children.map((child) => new Promise((resolve) => child.on("close", resolve)));
      await Promise.all([run(), run(), run()]);
      check.equal(await Promise.all(codes), [0, 0]);
      check.ok(arrived(path), "whole in the end");
      check.equal(readdirSync(dirname(path)), ["data.gz"], "no parts are left");
    }),
  { timeoutMs: 240_000 },
);
