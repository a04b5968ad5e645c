/** Images and maps for a report. */
import { callerScope, slice, type Tensor } from "../../../engine/index.js";
import type { PictureRows } from "../../experiments/cells.js";

export interface MapRowsOptions {
  readonly name: string;
  readonly titles: readonly string[];
  /** Images [n,c,h,w] and maps [n,h,w], column by column. */
  readonly columns: readonly Tensor[];
  /** Of the samples, at least as many as are shown. */
  readonly labels: readonly string[];
  /** Samples shown; default 3. */
  readonly most?: number;
}

/** The first samples of several stacks, side by side. */
export async function mapRows({ name, titles, columns, labels, most = 3 }: MapRowsOptions): Promise<PictureRows> {
  const here = callerScope();
  const [, channels, height, width] = columns.find(({ rank }) => rank === 4)!.shape;
  const n = Math.min(most, columns[0].shape[0]);
  const values = await here.wait(
    Promise.all(
      columns.map(async (t) =>
        Array.from(
          await slice(
            t,
            t.shape.map(() => 0),
            [n, ...t.shape.slice(1)],
          ).read(),
        ),
      ),
    ),
  );
  return {
    ...{ name, titles, size: { channels, height, width } },
    columns: columns.map(({ rank }) => (rank === 4 ? "image" : "map")),
    rows: Array.from({ length: n }, (_, i) => ({
      label: labels[i],
      cells: values.map((all) => {
        const size = all.length / n;
        return all.slice(i * size, (i + 1) * size).map((v) => Number(v.toPrecision(4)));
      }),
    })),
  };
}
