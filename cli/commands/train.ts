/** `holdfast train`: trains a network; writes its weights and a checkpoint to go on from. */
import { dispose } from "../../engine/index.js";
import {
  buildNetwork,
  DivergedError,
  loadCheckpoint,
  type ModelCard,
  packTree,
  readSafetensors,
  saveCheckpoint,
  type TrainState,
} from "../../nn/index.js";
import { defineCommand, numberOption, UsageError } from "../command.js";
import { dataOptions, openData } from "../data.js";
import { cpuOption, withEngine } from "../engine.js";
import { parsing, readInput, writeOutput } from "../files.js";
import { Live, percent } from "../live.js";
import { fileMetadata, recipeFrom, recipeOptions, resumedRecipe } from "../recipe.js";
import { stopOnSignals } from "../stopping.js";
import { countParameters, firstState, runTraining, samplesOf } from "../training.js";
import { requireWritable } from "../writable.js";

const options = {
  ...recipeOptions,
  "data-dir": dataOptions["data-dir"],
  epochs: {
    type: "string",
    value: "n",
    help: "passes over the training images, all told (default 2; with --resume those that the run was begun with)",
  },
  out: {
    type: "string",
    value: "file",
    help: "where the weights go (default out/weights.safetensors; with --resume beside the checkpoint)",
  },
  resume: { type: "string", value: "file", help: "go on from a checkpoint, to the same bits as without the pause" },
  ...cpuOption,
} as const;

const EPOCHS = 2;
const OUT = "out/weights.safetensors";

/** Where the checkpoint that belongs to a file of weights goes. */
export function checkpointPath(out: string): string {
  return out.replace(/(\.safetensors)?$/, ".checkpoint.safetensors");
}

/** The file of weights that a checkpoint belongs to. @throws UsageError for a checkpoint that has another name. */
function weightsPath(checkpoint: string): string {
  const out = checkpoint.replace(/\.checkpoint\.safetensors$/, ".safetensors");
  if (out === checkpoint)
    throw new UsageError(
      `--resume ${checkpoint}: its name does not say where the weights go, as NAME.checkpoint.safetensors would; give --out`,
    );
  return out;
}

/** How many passes a checkpoint's run was begun with; files of before this was stored do not say. */
function epochsOf(metadata: ReadonlyMap<string, string>): number | undefined {
  const text = metadata.get("epochs") ?? "";
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
}

interface Resumed {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly metadata: ReadonlyMap<string, string>;
}

async function openCheckpoint(path: string): Promise<Resumed> {
  const bytes = await readInput("resume", path);
  const { metadata } = await parsing(path, () => readSafetensors(bytes));
  if (metadata.get("step") === undefined)
    throw new UsageError(`--resume ${path}: it holds weights only; give the checkpoint written beside them`);
  return { path, bytes, metadata };
}

/** The state in a checkpoint, whose tensors must be those of the network. */
async function stateFrom({ path, bytes }: Resumed, first: TrainState): Promise<TrainState> {
  const { state } = await parsing(path, () => loadCheckpoint(bytes, first));
  dispose([first.params, first.optimiser]);
  return state;
}

interface Destination {
  readonly out: string;
  /** Passes, all told. */
  readonly epochs: number;
  /** What the files say besides how far training is. */
  readonly about: Record<string, string>;
}

/** Writes both files; each name always leads to a whole file. */
async function save({ out, epochs, about }: Destination, state: TrainState, accuracy: number): Promise<void> {
  const metadata = { ...about, epoch: String(state.epoch), accuracy: String(accuracy) };
  await writeOutput(out, await packTree(state.params, metadata));
  await writeOutput(checkpointPath(out), await saveCheckpoint(state, { ...metadata, epochs: String(epochs) }));
}

export const command = defineCommand({
  summary: "train a network and write its weights",
  options,
  async run({ values }) {
    const asked =
      values.epochs === undefined ? undefined : numberOption("epochs", values.epochs, { min: 1, integer: true });
    const resumed = values.resume === undefined ? undefined : await openCheckpoint(values.resume);
    const epochs = asked ?? (resumed && epochsOf(resumed.metadata)) ?? EPOCHS;
    const out = values.out ?? (resumed ? weightsPath(resumed.path) : OUT);
    await requireWritable("out", out);
    await requireWritable("out", checkpointPath(out));
    const recipe = resumed ? resumedRecipe(resumed.metadata, values, resumed.path) : recipeFrom(values);
    const live = new Live();
    const dataset = await openData({ ...recipe, name: recipe.data, folder: values["data-dir"] }, live);
    const card: ModelCard = { ...recipe.card, classes: dataset.classes };
    const about = fileMetadata(recipe, card, dataset);
    return withEngine({ cpu: values.cpu, withoutAdapter: "refuse" }, async (place) => {
      const model = buildNetwork(card);
      const first = firstState(model, recipe, dataset.domain.shape);
      const start = resumed ? await stateFrom(resumed, first) : first;
      if (start.epoch >= epochs) {
        dispose([start.params, start.optimiser]);
        live.print(`${values.resume} has done ${start.epoch} epochs, ${epochs} are wanted: nothing is left to do`);
        live.print("--epochs with a larger number goes on");
        return 0;
      }
      // Before a line is printed: who sees one may stop the run.
      const stopping = stopOnSignals(() => live.print("stopping after this step"));
      const { network, activation, beta } = card;
      live.print(
        `${network} network, ${activation === "softplus" ? `softplus (beta ${beta})` : activation}, ` +
          `${countParameters(start.params)} parameters; ${dataset.train.labels.length} ${samplesOf(dataset)} of ${dataset.name}; ${place.name}`,
      );
      let saved = 0;
      const { state, accuracy } = await runTraining({
        ...{ model, recipe, dataset, epochs, live, start, stop: stopping.signal },
        async onState(reached, measured) {
          await save({ out, epochs, about }, reached, measured);
          saved = reached.epoch;
        },
      }).catch((error: unknown) => {
        if (!(error instanceof DivergedError) || saved === 0) throw error;
        throw new DivergedError(`${error.message}; ${out} and its checkpoint are those of epoch ${saved}`);
      });
      live.print(`test accuracy ${percent(accuracy, 2)} on ${dataset.test.labels.length} ${samplesOf(dataset)}`);
      live.print(`weights     ${out}\ncheckpoint  ${checkpointPath(out)}`);
      if (state.epoch < epochs)
        live.print(`stopped in epoch ${state.epoch + 1}; go on with --resume ${checkpointPath(out)}`);
      return stopping.status ?? 0;
    });
  },
});
