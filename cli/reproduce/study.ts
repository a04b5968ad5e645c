/** A reproduction on disk: its configuration, one result file for each cell, and the weights of trained networks. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type Cell,
  ConfigError,
  cellsOf,
  type Recipe,
  type ReproduceConfig,
  readConfig,
  settingsOf,
  type WeightStore,
} from "../../atex/experiments/index.js";
import { DataError } from "../../nn/data/error.js";
import { sha256 } from "../../nn/data/sha256.js";
import { readSafetensors } from "../../nn/index.js";
import { UsageError } from "../command.js";
import { writeOutput } from "../files.js";
import { type CellResult, cellText, readCellText } from "./cell-file.js";

const absent = (error: NodeJS.ErrnoException): undefined => {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
  throw error;
};

/** The configuration a folder's results were made with, if any. */
async function storedConfig(folder: string): Promise<ReproduceConfig | undefined> {
  const path = join(folder, "config.json");
  const text = await readFile(path, "utf8").catch(absent);
  if (text === undefined) return undefined;
  try {
    return readConfig(JSON.parse(text));
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof SyntaxError)) throw error;
    throw new UsageError(`${path}: ${error.message}; give the folder its configuration back, or choose another --out`);
  }
}

/** Whether all that a file says is still so. Settings that did not exist when it was written are missing in it. */
function agrees(stored: unknown, now: unknown): boolean {
  if (typeof stored !== "object" || stored === null) return stored === now;
  if (typeof now !== "object" || now === null || Array.isArray(stored) !== Array.isArray(now)) return false;
  if (Array.isArray(stored) && stored.length !== (now as readonly unknown[]).length) return false;
  return Object.entries(stored).every(([name, value]) => agrees(value, (now as Record<string, unknown>)[name]));
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

  /** @throws UsageError for a file that is damaged, or the result of another cell or of other settings. */
  async result(cell: Cell): Promise<CellResult | undefined> {
    const path = this.#pathOf(cell);
    const text = await readFile(path, "utf8").catch(absent);
    if (text === undefined) return undefined;
    try {
      const result = readCellText(text);
      if (!agrees(result.cell, cell)) throw new DataError(`it is the result of ${result.cell.id}`);
      if (!agrees(result.settings, settingsOf(this.config, cell)))
        throw new DataError("it was made with other settings than config.json has");
      return result;
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      throw new UsageError(`${path}: ${error.message}; remove it, and it will be made again`);
    }
  }

  /** The results there are, in the order of the grid. */
  async results(): Promise<CellResult[]> {
    const found = await Promise.all(cellsOf(this.config).map((cell) => this.result(cell)));
    return found.filter((result) => result !== undefined);
  }

  /** Whole or not at all, whenever the process is killed. */
  async save(result: CellResult): Promise<void> {
    await writeOutput(this.#pathOf(result.cell), cellText(result));
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
      async load(recipe) {
        const path = await pathOf(recipe);
        const bytes = await readFile(path).catch(absent);
        if (bytes === undefined) return undefined;
        try {
          if (readSafetensors(bytes).metadata.get("recipe") === JSON.stringify(recipe)) return bytes;
        } catch (error) {
          if (!(error instanceof DataError)) throw error;
          throw new DataError(`${path}: ${error.message}; remove it, and the network will be trained again`);
        }
        throw new DataError(
          `${path}: it holds another network than its name says; remove it, and the right one will be trained`,
        );
      },
      save: async (recipe, bytes) => writeOutput(await pathOf(recipe), bytes),
    };
  }
}
