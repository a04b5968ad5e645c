/** What `holdfast sanity` makes of its options: explainers, samples, the shift, and how results are printed. */
import { EXPLAINER_TABLE, type SuiteExplainer, segmentImages, smoothGrad } from "../atex/index.js";
import type { SanityTable } from "../atex/render/sanity.js";
import { random, tensor } from "../engine/index.js";
import { type Domain, numericShift, sampleSize } from "../nn/index.js";
import { type ExplainerRequest, explainerRequests } from "./explainers.js";
import { explainerMaker, needsSegments, type Shift } from "./explaining.js";
import type { Live } from "./live.js";
import type { LoadedModel } from "./model.js";
import { isImage } from "./sample.js";

type Entry = ExplainerRequest["entry"];

/** Looks inside the network and does not draw copies: what a check asks for once is answered at once. */
const isQuick = ({ needs, options }: Entry): boolean => needs !== "outputs" && !Object.hasOwn(options, "samples");

export const QUICK_METHODS = EXPLAINER_TABLE.filter(isQuick).map(({ name }) => name);

/** The requests of `--methods`; without it the quick ones that fit the domain. @throws UsageError for an unknown method. */
export function sanityRequests(methods: string | undefined, seed: string, domain: Domain): ExplainerRequest[] {
  const fitting = EXPLAINER_TABLE.filter((entry) => isQuick(entry) && (isImage(domain) || !entry.needsGrid));
  return explainerRequests({ method: methods ?? fitting.map(({ name }) => name).join(","), seed });
}

interface Making {
  readonly model: LoadedModel;
  readonly values: { readonly data?: string; readonly "data-dir"?: string; readonly smooth: boolean };
  readonly live: Live;
  /** On the host, for ranges of inputs. */
  readonly shift: readonly number[];
}

/** The explainers of requests, and with `smooth` those that draw no copies themselves once more, averaged over noise. */
export async function suiteExplainers(
  requests: readonly ExplainerRequest[],
  { model, values, live, shift }: Making,
): Promise<SuiteExplainer[]> {
  const make = await explainerMaker(requests, { model, values, live });
  const plain = requests.map((request): SuiteExplainer => {
    return {
      name: request.entry.info.name,
      async make(x, moved) {
        const segments = needsSegments(request, model.domain) ? await segmentImages(x) : undefined;
        return make(request, segments, moved && { tensor: moved, values: shift });
      },
    };
  });
  if (!values.smooth) return plain;
  const smoothed = plain.flatMap((one, i): SuiteExplainer[] => {
    const { entry, seed } = requests[i];
    if (!isQuick(entry)) return [];
    return [
      {
        name: `${one.name}, smoothed`,
        make: async (x, moved) => smoothGrad({ base: await one.make(x, moved), key: random.key(seed) }),
      },
    ];
  });
  return [...plain, ...smoothed];
}

/** A constant for every numeric element of a sample; categories and yes or no are left alone, since other values mean nothing. */
export function shiftOf(domain: Domain, by: number): Shift {
  const values = numericShift(domain, by);
  return { values, tensor: tensor(Float32Array.from(values), domain.shape) };
}

/** As many samples at once as keep the largest tensors of common sizes small. */
export function chunkFor({ shape }: Domain): number {
  return Math.max(1, Math.min(50, Math.floor(1e6 / sampleSize(shape))));
}

/** A table for the terminal: headings broken at commas, columns in line. */
export function tableLines({ header, rows }: SanityTable): string {
  const heads = header.map((text) => text.split(", "));
  const height = Math.max(...heads.map((head) => head.length));
  const top = Array.from({ length: height }, (_, line) =>
    heads.map((head) => head[line - (height - head.length)] ?? ""),
  );
  const lines = [...top, ...rows];
  const widths = header.map((_, column) => Math.max(...lines.map((cells) => cells[column].length)));
  return lines
    .map((cells) => `  ${cells.map((text, column) => text.padEnd(widths[column])).join("  ")}`.trimEnd())
    .join("\n");
}
