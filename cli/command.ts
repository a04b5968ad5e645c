/** What a command is. Each lives in cli/commands/<name>.ts as `export const command = defineCommand({ … })`. */
import { printable } from "../nn/printable.js";

export interface Option {
  readonly type: "string" | "boolean";
  readonly short?: string;
  readonly default?: string | boolean;
  /** One line for --help. */
  readonly help: string;
  /** What stands for the value in --help, e.g. "n" for `--epochs <n>`; string options only. */
  readonly value?: string;
}

export type Options = Readonly<Record<string, Option>>;

/** Booleans are there (false if not given), strings only if given or defaulted. */
export type Values<O extends Options> = {
  readonly [K in keyof O]: O[K]["type"] extends "boolean"
    ? boolean
    : O[K] extends { default: string }
      ? string
      : string | undefined;
};

export interface Arguments<O extends Options = Options> {
  readonly values: Values<O>;
  readonly positionals: readonly string[];
}

export interface Command<O extends Options = Options> {
  /** One line for `holdfast --help`. */
  readonly summary: string;
  readonly options: O;
  /** How the arguments without a dash are named in --help, e.g. "<image.png>"; without it none are accepted. */
  readonly positionals?: string;
  /** Resolves to the exit code; nothing means 0. Throws `UsageError` for arguments that make no sense. */
  run(args: Arguments<O>): Promise<number | undefined> | Promise<void>;
}

/** A command with the types of its option values inferred; the dispatcher needs none of them. */
export function defineCommand<const O extends Options>(command: Command<O>): Command {
  return command as unknown as Command;
}

/** A mistake in the arguments: printed as one sentence, one line of at most 2000 characters, exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";

  constructor(message: string) {
    super(printable(message, 2000));
  }
}

/** What the library refuses is a mistake in the arguments; anything else stays what it is. */
export function asUsage(error: unknown): unknown {
  const refusal = error instanceof RangeError || error instanceof TypeError || (error as Error)?.name === "ShapeError";
  return refusal ? new UsageError((error as Error).message) : error;
}

/** There is no adapter; the message says how to get one. Exit code 1. */
export class NoAdapterError extends Error {
  override readonly name = "NoAdapterError";
}

export interface NumberRange {
  readonly min?: number;
  readonly max?: number;
  readonly integer?: boolean;
}

/** The number in an option's text. @throws UsageError when it is none, or out of range. */
export function numberOption(
  name: string,
  text: string,
  { min = -Infinity, max = Infinity, integer = false }: NumberRange = {},
): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  const fits = Number.isFinite(value) && value >= min && value <= max && (!integer || Number.isInteger(value));
  if (fits) return value;
  const range = [min > -Infinity ? `at least ${min}` : "", max < Infinity ? `at most ${max}` : ""]
    .filter(Boolean)
    .join(" and ");
  throw new UsageError(`--${name} ${text}: a ${integer ? "whole " : ""}number ${range} is needed`.trimEnd());
}
