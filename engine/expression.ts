/** The expressions of ops as words and numbers: what they call, and which constants they hold. */
import { library } from "../shaders/gen/kernels.js";
import { itemsFor, textOf } from "../shaders/kernel.js";

/** A word, a number with the suffix of its type, or anything else. */
export interface Token {
  readonly text: string;
  readonly kind: "word" | "number" | "other";
}

const isDigit = (c: string): boolean => c >= "0" && c <= "9";
const isLetter = (c: string): boolean => (c >= "a" && c <= "z") || (c >= "A" && c <= "Z") || c === "_";
const isWordPart = (c: string): boolean => isLetter(c) || isDigit(c);
const isSuffix = (c: string): boolean => c === "f" || c === "i" || c === "u";

/** Cuts an expression; the texts of the tokens make it up again. Only a decimal number with the suffix of its type is a
 *  number here. */
export function tokensOf(expression: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const skip = (accepts: (c: string) => boolean): boolean => {
    const first = at;
    while (at < expression.length && accepts(expression[at])) at++;
    return at > first;
  };
  while (at < expression.length) {
    const first = at;
    let kind: Token["kind"] = "other";
    if (isLetter(expression[at])) {
      skip(isWordPart);
      kind = "word";
    } else if (isDigit(expression[at])) {
      skip(isDigit);
      if (expression[at] === "." && at++) skip(isDigit);
      if (expression[at] === "e" && at++) {
        if (expression[at] === "+" || expression[at] === "-") at++;
        skip(isDigit);
      }
      const suffix = at;
      skip(isWordPart);
      if (at === suffix + 1 && isSuffix(expression[suffix])) kind = "number";
    } else at++;
    tokens.push({ text: expression.slice(first, at), kind });
  }
  return tokens;
}

/** How many functions an expression calls. */
export function callsIn(expression: string): number {
  const tokens = tokensOf(expression);
  return tokens.filter(({ text }, i) => text === "(" && tokens[i - 1]?.kind === "word").length;
}

const operators = new Set([..."+-*/%&|^<>=!~"]);
const operationsOf = new Map<string, number>();

/** Operations of an expression once the functions of shaders/lib/scalar.wgsl are written out: what a driver has to compile. A
 *  function of WGSL itself counts as one. */
export function operationsIn(expression: string): number {
  const tokens = tokensOf(expression);
  let count = 0;
  for (const [i, { text, kind }] of tokens.entries()) {
    if (operators.has(text) && !operators.has(tokens[i - 1]?.text)) count++;
    if (kind !== "word" || tokens[i + 1]?.text !== "(") continue;
    count += Object.hasOwn(library, text) ? operationsOfFunction(text) : 1;
  }
  return count;
}

function operationsOfFunction(name: string): number {
  let count = operationsOf.get(name);
  if (count === undefined) {
    const { text } = library[name];
    count = operationsIn(text.slice(text.indexOf("{")));
    operationsOf.set(name, count);
  }
  return count;
}

/** What expressions use of shaders/lib/scalar.wgsl and is not `there`: the names, and the text with origin markers. */
export function libraryFor(
  expressions: readonly string[],
  there: readonly string[] = [],
): { names: string[]; text: string } {
  const words = expressions.flatMap(tokensOf).flatMap(({ text, kind }) => (kind === "word" ? [text] : []));
  const names = itemsFor(library, words).filter((name) => !there.includes(name));
  return { names, text: textOf(library, "lib/scalar.wgsl", names) };
}
