/** Control characters, with which a terminal's escape sequences begin; what ends a line; marks that turn the direction of writing. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/** Text from outside as one line that shows what is in it: what a terminal would act on stands there as `\x1b`. Of a text longer than
 *  `most` characters the middle is left out. */
export function printable(text: string, most = Infinity): string {
  // Cut first: replacing is what would take time. Each character may become eight.
  const shown = cut(text, most).replace(UNPRINTABLE, (mark) => {
    const code = mark.codePointAt(0)!.toString(16);
    return code.length > 2 ? `\\u${code.padStart(4, "0")}` : `\\x${code.padStart(2, "0")}`;
  });
  return cut(shown, most);
}

function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const head = Math.ceil((most - 3) / 2);
  return `${text.slice(0, head)}...${text.slice(text.length - (most - 3 - head))}`;
}

/** Longest name of a class that is taken from a file: more fits into no picture and no line. */
const NAME = 200;

/** Names as they are shown: one line each, of at most 200 characters. */
export function shownNames(names: readonly string[]): string[] {
  return names.map((name) => printable(name, NAME));
}
