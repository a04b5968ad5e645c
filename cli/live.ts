/** Progress for people: one line that is rewritten on a terminal, a line every few seconds elsewhere. */
import type { Progress, TrainProgress } from "../nn/index.js";
import { printable } from "../nn/printable.js";

/** How often a file or a pipe gets a line. */
const LINE_MS = 5000;

/** What is used of an output stream. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export class Live {
  #printed = -Infinity;
  #open = false;
  constructor(readonly out: Output = process.stdout) {}

  /** Shows `text` for now. */
  update(line: string): void {
    const text = printable(line);
    if (this.out.isTTY) {
      this.out.write(`\r\x1b[2K${text.slice(0, (this.out.columns ?? 80) - 1)}`);
      this.#open = true;
      return;
    }
    const now = performance.now();
    if (now - this.#printed < LINE_MS) return;
    this.#printed = now;
    this.out.write(`${text}\n`);
  }

  /** Prints `lines` for good, in place of what `update` shows. What names in them would make a terminal do is spelt out. */
  print(lines: string): void {
    const text = lines
      .split("\n")
      .map((line) => printable(line))
      .join("\n");
    this.out.write(`${this.#open ? "\r\x1b[2K" : ""}${text}\n`);
    this.#open = false;
    this.#printed = performance.now();
  }
}

export function trainingLine(p: TrainProgress): string {
  return [
    `epoch ${p.epoch}/${p.epochs}`,
    `step ${p.step}/${p.steps}`,
    `loss ${p.loss.toFixed(3)}`,
    `accuracy ${percent(p.accuracy)}`,
    `${p.samplesPerSecond.toFixed(0)} samples/s`,
    `${duration(p.secondsLeft)} left`,
  ].join("  ");
}

export function downloadLine({ file, received, total }: Progress): string {
  const mega = (bytes: number): string => (bytes / 1e6).toFixed(1);
  return `downloading ${file}: ${mega(received)} of ${mega(total)} MB`;
}

export function percent(share: number, digits = 1): string {
  return `${(100 * share).toFixed(digits)} %`;
}

export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 90 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
