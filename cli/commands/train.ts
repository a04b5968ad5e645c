/** `holdfast train`: trains a network; writes its weights and a checkpoint to go on from. */
import { dispose } from "../../engine/index.js";
import {
  buildNetwork,
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
import { countParameters, firstState, runTraining, samplesOf } from "../training.js";

const options = {
  ...recipeOptions,
  "data-dir": dataOptions["data-dir"],
  epochs: { type: "string", default: "2", value: "n", help: "passes over the training images, all told" },
  out: { type: "string", default: "out/weights.safetensors", value: "file", help: "where the weights go" },
  resume: { type: "string", value: "file", help: "go on from a checkpoint, to the same bits as without the pause" },
  ...cpuOption,
} as const;

/** Where the checkpoint that belongs to a file of weights goes. */
export function checkpointPath(out: string): string {
  return out.replace(/(\.safetensors)?$/, ".checkpoint.safetensors");
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

/** Writes both files; each name always leads to a whole file. `about` is what they say besides how far training is. */
async function save(out: string, about: Record<string, string>, state: TrainState, accuracy: number): Promise<void> {
  const metadata = { ...about, epoch: String(state.epoch), accuracy: String(accuracy) };
  await writeOutput(out, await packTree(state.params, metadata));
  await writeOutput(checkpointPath(out), await saveCheckpoint(state, metadata));
}

export const command = defineCommand({
  summary: "train a network and write its weights",
  options,
  async run({ values }) {
    const epochs = numberOption("epochs", values.epochs, { min: 1, integer: true });
    const resumed = values.resume === undefined ? undefined : await openCheckpoint(values.resume);
    const recipe = resumed ? resumedRecipe(resumed.metadata, values, resumed.path) : recipeFrom(values);
    const live = new Live();
    const dataset = await openData({ ...recipe, name: recipe.data, folder: values["data-dir"] }, live);
    const card: ModelCard = { ...recipe.card, classes: dataset.classes };
    const about = fileMetadata(recipe, card, dataset);
    return withEngine({ cpu: values.cpu, withoutAdapter: "refuse" }, async (place) => {
      const model = buildNetwork(card);
      const first = firstState(model, recipe, dataset.domain.shape);
      const start = resumed ? await stateFrom(resumed, first) : first;
      if (start.epoch >= epochs)
        throw new UsageError(
          `--epochs ${epochs}: ${values.resume} has done ${start.epoch}; give a larger number to go on`,
        );
      const { network, activation, beta } = card;
      live.print(
        `${network} network, ${activation === "softplus" ? `softplus (beta ${beta})` : activation}, ` +
          `${countParameters(start.params)} parameters; ${dataset.train.labels.length} ${samplesOf(dataset)} of ${dataset.name}; ${place.name}`,
      );
      const stop = new AbortController();
      // Once: a second Ctrl-C ends the process in the usual way.
      process.once("SIGINT", () => {
        live.print("stopping after this step");
        stop.abort();
      });
      const { state, accuracy } = await runTraining({
        ...{ model, recipe, dataset, epochs, live, start, stop: stop.signal },
        onState: (reached, measured) => save(values.out, about, reached, measured),
      });
      live.print(`test accuracy ${percent(accuracy, 2)} on ${dataset.test.labels.length} ${samplesOf(dataset)}`);
      live.print(`weights     ${values.out}\ncheckpoint  ${checkpointPath(values.out)}`);
      if (state.epoch < epochs)
        live.print(`stopped in epoch ${state.epoch + 1}; go on with --resume ${checkpointPath(values.out)}`);
      return stop.signal.aborted ? 130 : 0;
    });
  },
});
