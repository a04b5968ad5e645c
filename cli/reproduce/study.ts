/** A reproduction on disk: its configuration, one result file for each cell, and the weights of trained networks. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type Cell,
  type CellOutcome,
  cellsOf,
  type PictureRows,
  type Recipe,
  type ReproduceConfig,
  readConfig,
  settingsOf,
  type WeightStore,
} from "../../atex/experiments/index.js";
import { sha256 } from "../../nn/data/sha256.js";
import { UsageError } from "../command.js";
import { writeOutput } from "../files.js";

/** How a result came about. */
export interface Origin {
  readonly command: string;
  readonly adapter: string;
  readonly versions: Readonly<Record<string, string>>;
  /** Of the repository, where it is one. */
  readonly commit?: string;
  readonly date: string;
  /** Processes that shared the machine; 1 in results from before there could be more. */
  readonly jobs?: number;
  readonly seconds: number;
}

export interface CellResult extends CellOutcome {
  /** What it depends on, as it stands in the configuration it was made with. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly pictures?: readonly PictureRows[];
  readonly origin: Origin;
}

const absent = (error: NodeJS.ErrnoException): undefined => {
  if (error.code === "ENOENT") return undefined;
  throw error;
};

/** The configuration a folder's results were made with, if any. */
async function storedConfig(folder: string): Promise<ReproduceConfig | undefined> {
  const text = await readFile(join(folder, "config.json"), "utf8").catch(absent);
  return text === undefined ? undefined : readConfig(JSON.parse(text));
}

export class Study {
  private constructor(
    readonly folder: string,
    readonly config: ReproduceConfig,
  ) {}

  /** A reproduction, begun or not. @throws UsageError when the folder holds one with another configuration. */
  static async open(folder: string, config: ReproduceConfig): Promise<Study> {
    const stored = await storedConfig(folder);
    if (stored !== undefined && JSON.stringify(stored) !== JSON.stringify(config))
      throw new UsageError(
        `${folder}: it holds a reproduction with other settings (config.json); choose another --out, or take over what is the same with --merge ${folder}`,
      );
    return new Study(folder, config);
  }

  /** Puts the configuration beside the results to come. */
  async begin(): Promise<void> {
    await writeOutput(join(this.folder, "config.json"), `${JSON.stringify(this.config, null, 2)}\n`);
  }

  #pathOf({ id }: Pick<Cell, "id">): string {
    return join(this.folder, "cells", `${id}.json`);
  }

  async result(cell: Pick<Cell, "id">): Promise<CellResult | undefined> {
    const path = this.#pathOf(cell);
    const text = await readFile(path, "utf8").catch(absent);
    if (text === undefined) return undefined;
    try {
      return JSON.parse(text) as CellResult;
    } catch {
      throw new UsageError(`${path}: it is no result file; remove it, and it will be made again`);
    }
  }

  /** The results there are, in the order of the grid. */
  async results(): Promise<CellResult[]> {
    const found = await Promise.all(cellsOf(this.config).map((cell) => this.result(cell)));
    return found.filter((result) => result !== undefined);
  }

  /** Whole or not at all, whenever the process is killed. */
  async save(result: CellResult): Promise<void> {
    await writeOutput(this.#pathOf(result.cell), `${JSON.stringify(result)}\n`);
  }

  /** Takes over the results of other folders that this one lacks and would come to as well, the rest of their configurations be as
   *  it may. @returns how many, and how many it left aside.
   *  @throws UsageError for a folder without results. */
  async merge(folders: readonly string[]): Promise<{ taken: number; leftAside: number }> {
    const wanted = new Map(
      cellsOf(this.config).map((cell) => [cell.id, JSON.stringify(settingsOf(this.config, cell))]),
    );
    const merged = { taken: 0, leftAside: 0 };
    for (const folder of folders) {
      const config = await storedConfig(folder);
      if (config === undefined || (await readdir(join(folder, "cells")).catch(absent)) === undefined)
        throw new UsageError(`--merge ${folder}: it holds no results`);
      for (const result of await new Study(folder, config).results()) {
        if (wanted.get(result.cell.id) !== JSON.stringify(settingsOf(config, result.cell))) merged.leftAside++;
        else if (!(await this.result(result.cell))) {
          await this.save(result);
          merged.taken++;
        }
      }
    }
    return merged;
  }

  /** Trained networks by the hash of their recipe, which also stands in the file. */
  get weights(): WeightStore {
    const pathOf = async (recipe: Recipe): Promise<string> => {
      const name = await sha256(new TextEncoder().encode(JSON.stringify(recipe)));
      return join(this.folder, "weights", `${name.slice(0, 16)}.safetensors`);
    };
    return {
      load: async (recipe) => readFile(await pathOf(recipe)).catch(absent),
      save: async (recipe, bytes) => writeOutput(await pathOf(recipe), bytes),
    };
  }
}
