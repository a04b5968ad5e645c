/** Which cell of the grid is done next, where several processes ask. */
import type { Cell } from "../../atex/experiments/index.js";

export class CellQueue {
  readonly #left: Cell[];
  readonly #busy = new Set<Cell>();
  /** Those who ask while there is nothing they could do yet. */
  readonly #waiting: (() => void)[] = [];
  #closed = false;

  /** `alone` says of a cell that nothing else may run beside it. */
  constructor(
    cells: readonly Cell[],
    readonly alone: (cell: Cell) => boolean,
  ) {
    this.#left = [...cells];
  }

  /** Cells that are not done: those in work first. */
  get open(): readonly Cell[] {
    return [...this.#busy, ...this.#left];
  }

  /** A cell that is now in work; undefined when none is left. */
  async next(): Promise<Cell | undefined> {
    while (this.#left.length > 0 && !this.#closed) {
      const cell = this.#choose();
      if (cell) {
        this.#left.splice(this.#left.indexOf(cell), 1);
        this.#busy.add(cell);
        return cell;
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return undefined;
  }

  /** Nobody is given another cell. */
  close(): void {
    this.#closed = true;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** `cell` is to be done by somebody else. */
  giveBack(cell: Cell): void {
    this.#left.unshift(cell);
    this.release(cell);
  }

  /** `cell` is in work no more. */
  release(cell: Cell): void {
    this.#busy.delete(cell);
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** The first cell that shares no trained networks with those in work, so that two processes do not train the same one; else the
   *  first there is. What has to run alone comes last. */
  #choose(): Cell | undefined {
    const busy = [...this.#busy];
    if (busy.some(this.alone)) return undefined;
    const others = this.#left.filter((cell) => !this.alone(cell));
    const apart = others.find((cell) => busy.every(({ data, seed }) => data !== cell.data || seed !== cell.seed));
    return apart ?? others[0] ?? (busy.length === 0 ? this.#left[0] : undefined);
  }
}
