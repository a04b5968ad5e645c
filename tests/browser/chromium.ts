/** Serves one page on localhost, which browsers trust with WebGPU, opens it in headless Chromium and waits for its report. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

/** Alone on the machine and with the network left in peace. */
const switches = [
  "--headless=new",
  "--remote-debugging-pipe",
  "--enable-unsafe-webgpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-quic",
];

/** Runs `script` (a module) in a page, beside `others` by their paths; resolves with the JSON that the page posts to /report.
 *  @throws Error when the browser ends first, or `signal` is aborted. */
export async function runInChromium(
  chromium: string,
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
  const profile = mkdtempSync(join(tmpdir(), "holdfast-chromium-"));
  // Chromium refuses its sandbox to root.
  const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  // The browser ends when the pipes of its switch --remote-debugging-pipe do, so it never outlives this process.
  const browser = spawn(
    chromium,
    [...switches, ...sandbox, `--user-data-dir=${profile}`, `http://localhost:${port}/`],
    { stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"] },
  );
  const messages = text(browser.stderr!);
  const ended = new Promise<string>((resolve) => {
    browser.once("close", (code, killer) => resolve(killer ?? `exit code ${code}`));
  });
  const stop = (): void => void browser.kill("SIGKILL");
  signal.addEventListener("abort", stop);
  try {
    const early = new Promise<never>((_, reject) => {
      browser.once("error", reject);
      ended.then(async (how) =>
        reject(new Error(`Chromium ended (${how}) before the page reported:\n${await messages}`)),
      );
    });
    return JSON.parse(await Promise.race([received, early]));
  } finally {
    stop();
    signal.removeEventListener("abort", stop);
    server.close();
    server.closeAllConnections();
    await ended;
    rmSync(profile, { recursive: true, force: true });
  }
}
