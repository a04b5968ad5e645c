/** Lists of numbers that hold rows, or go with one another. */

/** How many rows of `d` numbers a list holds. @throws RangeError unless they are whole rows, one at least. */
export function wholeRows(who: string, name: string, values: ArrayLike<unknown>, d: number): number {
  const rows = values.length / d;
  if (!Number.isInteger(rows) || rows < 1)
    throw new RangeError(
      `${who}: ${name} holds ${values.length} numbers; whole rows of ${d}, at least one, are needed`,
    );
  return rows;
}

/** @throws RangeError for a list of another length. */
export function requireLength(
  who: string,
  name: string,
  values: ArrayLike<unknown>,
  needed: number,
  why: string,
): void {
  if (values.length !== needed)
    throw new RangeError(`${who}: ${name} holds ${values.length} numbers; ${needed}, ${why}, are needed`);
}
