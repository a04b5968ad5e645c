/** What commands share that explain samples: explainers with all they need, made from options. */
import {
  type Background,
  type Explainer,
  type ExplainerContext,
  segmentImages,
  summariseBackground,
} from "../atex/index.js";
import { add, random, type Tensor } from "../engine/index.js";
import { type Domain, shiftedRange } from "../nn/index.js";
import { UsageError } from "./command.js";
import { type ExplainerRequest, requestedExplainer } from "./explainers.js";
import type { Live } from "./live.js";
import type { LoadedModel } from "./model.js";
import { backgroundOf, isImage, openFor, trainingData } from "./sample.js";

/** Options that say where the data are. */
interface DataValues {
  readonly data?: string;
  readonly "data-dir"?: string;
}

interface Explaining {
  readonly model: LoadedModel;
  readonly values: DataValues;
  readonly live: Live;
}

/** Makes the explainers of requests. Segments of x, and training samples as a background, are only made where one asks for them. */
export async function explainersFor(
  requests: readonly ExplainerRequest[],
  { x, ...on }: Explaining & { readonly x: Tensor },
): Promise<Explainer[]> {
  const make = await explainerMaker(requests, on);
  const segments = requests.some((request) => needsSegments(request, on.model.domain))
    ? await segmentImages(x)
    : undefined;
  return requests.map((request) => make(request, segments));
}

type Segmented = ExplainerContext["segments"];

/** What makes an explainer of one of the requests for samples with these segments, of inputs that are all shifted by `shift`. The
 *  background is loaded once. */
export async function explainerMaker(
  requests: readonly ExplainerRequest[],
  { model, values, live }: Explaining,
): Promise<(request: ExplainerRequest, segments?: Segmented, shift?: Shift) => Explainer> {
  const { domain } = model;
  const seed = requests[0].seed;
  const needsBackground = requests.some(
    ({ entry: { uses }, settings }) =>
      settings.baseline === undefined && (uses?.background === "always" || (uses?.background && !isImage(domain))),
  );
  const background = needsBackground ? await comparedWith({ model, values, live }) : undefined;
  const summary: Background | undefined = background && (await summariseBackground(background, { seed }));
  return (request, segments, shift) =>
    requestedExplainer(request, {
      ...{ key: random.key(seed), seed, segments },
      domain: shift ? { ...domain, range: shiftedRange(domain.range, shift.values) } : domain,
      background: background && shift ? add(background, shift.tensor) : background,
      summary: summary && shift ? { ...summary, rows: add(summary.rows, shift.tensor) } : summary,
    });
}

/** What explainers compare with: the network's own samples, or training samples. [m, ...shape] */
async function comparedWith({ model, values, live }: Explaining): Promise<Tensor> {
  if (model.background) return model.background;
  if (values.data !== undefined) return backgroundOf(await openFor(model, values, live));
  if (!model.metadata.has("data"))
    throw new UsageError(
      "the network does not say what it was trained on, which this explanation compares with; take the sample from --data, or give the module a background",
    );
  return backgroundOf(await trainingData(model, values["data-dir"], live));
}

/** What all inputs are shifted by: the shape of a sample, and the same numbers on the host. */
export interface Shift {
  readonly tensor: Tensor;
  readonly values: readonly number[];
}

/** Whether a request switches segments of images. */
export function needsSegments({ entry, settings }: ExplainerRequest, domain: Domain): boolean {
  return isImage(domain) && entry.uses?.segments === true && settings.patch === undefined;
}
