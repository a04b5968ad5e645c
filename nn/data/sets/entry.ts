import type { Dataset } from "../dataset.js";
import type { DatasetOptions } from "../options.js";

/** A row of the table of data sets. */
export interface DatasetEntry {
  readonly kind: "images" | "table";
  /** One line for people. */
  readonly title: string;
  /** Shape of one sample. */
  readonly shape: readonly number[];
  /** Its images are light figures on a dark ground, which a drawing or a photograph seldom is. */
  readonly lightOnDark?: boolean;
  /** Where the files are published. */
  readonly source: string;
  /** As the source states it. */
  readonly licence: string;
  readonly citation: string;
  /** Reads or draws it. @throws DataError for files that are missing or not the expected ones. */
  load(options: DatasetOptions): Promise<Dataset>;
}
