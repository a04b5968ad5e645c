/** Headless Chromium: started alone on the machine and with the network left in peace. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

const switches = [
  "--headless=new",
  "--remote-debugging-pipe",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-quic",
];

/** Where Chromium computes with WebGPU without a GPU. */
const withWebGpu = ["--enable-unsafe-webgpu"];

/** A browser that runs; pipes 3 and 4 of its process speak the DevTools protocol. */
export interface Chromium {
  readonly process: ChildProcess;
  /** Rejects when it ends by itself, with what it printed. */
  readonly early: Promise<never>;
  /** Ends it, and forgets its profile. */
  close(): Promise<void>;
}

/** Starts Chromium with an empty profile. `webgpu: false` is a browser without. */
export function startChromium(program: string, address: string, { webgpu = true } = {}): Chromium {
  const profile = mkdtempSync(join(tmpdir(), "holdfast-chromium-"));
  // Chromium refuses its sandbox to root.
  const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const gpu = webgpu ? withWebGpu : ["--disable-features=WebGPU", "--disable-gpu"];
  // The browser ends when the pipes of its switch --remote-debugging-pipe do, so it never outlives this process.
  const browser = spawn(program, [...switches, ...gpu, ...sandbox, `--user-data-dir=${profile}`, address], {
    stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"],
  });
  const messages = text(browser.stderr!);
  const ended = new Promise<string>((resolve) => {
    browser.once("close", (code, killer) => resolve(killer ?? `exit code ${code}`));
  });
  const early = new Promise<never>((_, reject) => {
    browser.once("error", reject);
    ended.then(async (how) => reject(new Error(`Chromium ended by itself (${how}):\n${await messages}`)));
  });
  // Whoever waits for something else may never look.
  early.catch(() => {});
  return {
    process: browser,
    early,
    async close() {
      browser.kill("SIGKILL");
      await ended;
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

/** Runs `script` (a module) in a page on localhost, which browsers trust with WebGPU, beside `others` by their paths; resolves with the JSON
 *  that the page posts to /report. @throws Error when the browser ends first, or `signal` is aborted. */
export async function runInChromium(
  program: string,
  script: string,
  signal: AbortSignal,
  others: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const modules = Object.entries(others).map(([path, body]) => [path, ["text/javascript", body]] as const);
  const files: Record<string, readonly [type: string, body: string]> = {
    ...Object.fromEntries(modules),
    "/": ["text/html", '<!doctype html><meta charset="utf-8"><body><script type="module" src="page.js"></script>'],
    "/page.js": ["text/javascript", script],
  };
  let receive: (body: Promise<string>) => void;
  const received = new Promise<string>((resolve) => {
    receive = resolve;
  });
  const server = createServer((request: IncomingMessage, response) => {
    if (request.method === "POST") receive(text(request));
    const [type, body] = files[request.url ?? ""] ?? ["text/plain", ""];
    response.writeHead(200, { "content-type": type }).end(body);
  });
  await new Promise<void>((listening) => server.listen(0, "localhost", listening));
  const { port } = server.address() as AddressInfo;
  const chromium = startChromium(program, `http://localhost:${port}/`);
  const stop = (): void => void chromium.process.kill("SIGKILL");
  signal.addEventListener("abort", stop);
  try {
    return JSON.parse(await Promise.race([received, chromium.early]));
  } finally {
    signal.removeEventListener("abort", stop);
    server.close();
    server.closeAllConnections();
    await chromium.close();
  }
}
