/** Pages of a Chromium, driven by the DevTools protocol over the pipes of `startChromium`: messages are JSON that ends with a zero. */
import type { Readable, Writable } from "node:stream";
import { type Chromium, startChromium } from "./chromium.js";

type Json = Record<string, unknown>;

interface Waiting {
  resolve(result: Json): void;
  reject(error: Error): void;
}

/** An answer to the message `id`, or an event. */
interface Received {
  readonly id?: number;
  readonly result?: Json;
  readonly error?: { readonly message: string };
  readonly method?: string;
  readonly params?: Json;
}

export class Browser {
  readonly #chromium: Chromium;
  readonly #out: Writable;
  readonly #waiting = new Map<number, Waiting>();
  readonly #events = new Map<string, (params: Json) => void>();
  #last = 0;

  constructor(program: string, options?: { readonly webgpu?: boolean }) {
    this.#chromium = startChromium(program, "about:blank", options);
    this.#out = this.#chromium.process.stdio[3] as Writable;
    let rest = "";
    const input = this.#chromium.process.stdio[4] as Readable;
    input.setEncoding("utf8");
    input.on("data", (piece: string) => {
      const messages = (rest + piece).split("\0");
      rest = messages.pop() ?? "";
      for (const message of messages) this.#receive(JSON.parse(message));
    });
    // Writing to a browser that has gone is reported by `early`.
    this.#out.on("error", () => {});
  }

  #receive({ id, result, error, method, params }: Received): void {
    if (id === undefined) {
      this.#events.get(method ?? "")?.(params ?? {});
      return;
    }
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    if (error) waiting.reject(new Error(error.message));
    else waiting.resolve(result ?? {});
  }

  send(method: string, params: Json = {}, sessionId?: string): Promise<Json> {
    const id = ++this.#last;
    const answer = new Promise<Json>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#out.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return Promise.race([answer, this.#chromium.early]);
  }

  /** What the next event of a name says. */
  next(event: string): Promise<Json> {
    const said = new Promise<Json>((resolve) => {
      this.#events.set(event, (params) => {
        this.#events.delete(event);
        resolve(params);
      });
    });
    return Promise.race([said, this.#chromium.early]);
  }

  /** Opens a page at once, with a script that runs before its own. */
  async open(url: string, { before = "", width = 1280, height = 900 } = {}): Promise<Page> {
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page(this, sessionId as string);
    await page.size(width, height);
    await page.send("Page.enable");
    if (before) await page.send("Page.addScriptToEvaluateOnNewDocument", { source: before });
    await page.send("Page.navigate", { url });
    return page;
  }

  /** Ends the process that computes for all pages; each device is lost. */
  async crashGpu(): Promise<void> {
    // The answer does not come where the crash takes its channel along.
    void this.send("Browser.crashGpuProcess").catch(() => {});
  }

  close(): Promise<void> {
    return this.#chromium.close();
  }
}

export class Page {
  constructor(
    readonly browser: Browser,
    readonly session: string,
  ) {}

  send(method: string, params: Json = {}): Promise<Json> {
    return this.browser.send(method, params, this.session);
  }

  size(width: number, height: number): Promise<Json> {
    return this.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
  }

  theme(scheme: "dark" | "light"): Promise<Json> {
    return this.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
  }

  /** The value of an expression in the page, awaited. @throws Error with what it throws. */
  async evaluate<T>(expression: string): Promise<T> {
    const answer = await this.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    const { result, exceptionDetails } = answer as {
      result: { value: T };
      exceptionDetails?: { text: string; exception?: { description?: string } };
    };
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Waits until an expression holds. @throws Error naming it, with the page's own line, when it does not in time. */
  async until(expression: string, timeoutMs: number): Promise<void> {
    const end = performance.now() + timeoutMs;
    while (!(await this.evaluate<boolean>(`Boolean(${expression})`))) {
      if (performance.now() > end) {
        const said = await this.evaluate<string>("document.querySelector('#place')?.textContent");
        throw new Error(`not within ${timeoutMs} ms: ${expression}; the page says: ${said}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async press(key: string, code = key, text?: string): Promise<void> {
    await this.send("Input.dispatchKeyEvent", { type: "keyDown", key, code, text, windowsVirtualKeyCode: KEYS[key] });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", key, code, windowsVirtualKeyCode: KEYS[key] });
  }

  /** What is seen, as a PNG; the whole page, or the window. */
  async screenshot(whole = true): Promise<Uint8Array> {
    const { data } = await this.send("Page.captureScreenshot", { captureBeyondViewport: whole });
    return Buffer.from(data as string, "base64");
  }
}

/** The codes by which browsers know keys that write nothing. */
const KEYS: Readonly<Record<string, number>> = {
  Tab: 9,
  Enter: 13,
  ArrowLeft: 37,
  ArrowUp: 38,
  ArrowRight: 39,
  ArrowDown: 40,
};
