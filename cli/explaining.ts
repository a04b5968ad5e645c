/** What commands share that explain a sample: explainers with all they need, made from options. */
import { type Explainer, type ExplainerContext, segmentImages, summariseBackground } from "../atex/index.js";
import { random, type Tensor } from "../engine/index.js";
import type { NetworkFile } from "../nn/index.js";
import { type ExplainerRequest, requestedExplainer } from "./explainers.js";
import type { Live } from "./live.js";
import { backgroundOf, isImage, openFor, trainingData } from "./sample.js";

/** Options that say where the data are. */
interface DataValues {
  readonly data?: string;
  readonly "data-dir"?: string;
}

/** Makes the explainers of requests. Segments of x, and training samples as a background, are only made where one asks for them. */
export async function explainersFor(
  requests: readonly ExplainerRequest[],
  { model, x, values, live }: { model: NetworkFile; x: Tensor; values: DataValues; live: Live },
): Promise<Explainer[]> {
  const { domain } = model;
  const seed = requests[0].seed;
  const needsBackground = requests.some(
    ({ entry: { uses }, settings }) =>
      settings.baseline === undefined && (uses?.background === "always" || (uses?.background && !isImage(domain))),
  );
  const needsSegments =
    isImage(domain) && requests.some(({ entry, settings }) => entry.uses?.segments && settings.patch === undefined);
  const background = needsBackground
    ? backgroundOf(
        await (values.data === undefined
          ? trainingData(model, values["data-dir"], live)
          : openFor(model, values, live)),
      )
    : undefined;
  const context: ExplainerContext = {
    ...{ domain, key: random.key(seed), seed, background },
    summary: background && (await summariseBackground(background, { seed })),
    segments: needsSegments ? await segmentImages(x) : undefined,
  };
  return requests.map((request) => requestedExplainer(request, context));
}
