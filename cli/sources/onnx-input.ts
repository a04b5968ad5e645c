/** Options that say how images become the inputs of a network in an ONNX file: the user's pixels are 0 to 1, in rows of channels. */
import { div, flip, mul, reshape, sub, type Tensor, tensor, transpose } from "../../engine/index.js";
import { choice } from "../arguments.js";
import { numberOption, UsageError } from "../command.js";
import { readInput } from "../files.js";

export const imageOptions = {
  mean: {
    type: "string",
    value: "numbers",
    help: "of --model: what is subtracted from pixels of 0 to --scale, one number or one for each channel",
  },
  std: { type: "string", value: "numbers", help: "of --model: what they are then divided by" },
  scale: {
    type: "string",
    value: "number",
    help: "of --model: what pixels are multiplied by first; 255 for networks of bytes (default 1)",
  },
  layout: {
    type: "string",
    value: "chw|hwc",
    help: "of --model: where its channels are (default chw, unless only the last of three sides is 1 or 3)",
  },
  bgr: { type: "boolean", help: "of --model: it takes blue before green before red" },
} as const;

export interface ImageValues {
  readonly mean?: string;
  readonly std?: string;
  readonly scale?: string;
  readonly layout?: string;
  readonly bgr?: boolean;
}

export interface ImageInput {
  /** [c,h,w] of the user's images. */
  readonly shape: readonly number[];
  /** Pixels of 0 to 1, [n,c,h,w] → what the network takes. */
  prepare(x: Tensor): Tensor;
}

/** @throws UsageError for numbers that do not fit the channels. */
export function imageInput(sides: readonly number[], values: ImageValues, origin: string): ImageInput {
  const colours = (side: number): boolean => side === 1 || side === 3;
  const last = colours(sides[2]) && !colours(sides[0]);
  const layout = values.layout === undefined ? (last ? "hwc" : "chw") : choice("layout", values.layout, ["chw", "hwc"]);
  const shape = layout === "hwc" ? [sides[2], sides[0], sides[1]] : sides;
  const [c] = shape;
  if (!colours(c))
    throw new UsageError(
      `${origin}: images of ${c} channels; 1 (grey) or 3 (colour) are read; --layout says where the channels are`,
    );
  if (values.bgr && c !== 3) throw new UsageError(`--bgr: ${origin} takes images of one channel; leave it out`);
  const scale = values.scale === undefined ? 1 : numberOption("scale", values.scale, { min: 1e-6, max: 1e6 });
  const mean = perChannel("mean", values.mean, c);
  const std = perChannel("std", values.std, c);
  if (std?.some((v) => v <= 0)) throw new UsageError(`--std ${values.std}: numbers above 0 are needed`);
  const column = (numbers: readonly number[]): Tensor => reshape(tensor(numbers as number[]), [c, 1, 1]);
  return {
    shape,
    prepare(x) {
      let y = scale === 1 ? x : mul(x, scale);
      if (values.bgr) y = flip(y, [1]);
      if (mean) y = sub(y, column(mean));
      if (std) y = div(y, column(std));
      return layout === "hwc" ? transpose(y, [0, 2, 3, 1]) : y;
    },
  };
}

/** One number, or one for each channel, in the order in which the network has them. */
function perChannel(name: string, text: string | undefined, channels: number): number[] | undefined {
  if (text === undefined) return undefined;
  const numbers = text.split(",").map((word) => numberOption(name, word));
  if (numbers.length !== 1 && numbers.length !== channels)
    throw new UsageError(
      `--${name} ${text}: ${numbers.length} numbers came; one, or one for each of ${channels} channels, is needed`,
    );
  return Array.from({ length: channels }, (_, i) => numbers[numbers.length === 1 ? 0 : i]);
}

/** Sides with commas, or with x. @throws UsageError for other texts. */
export function sampleShape(text: string | undefined): number[] | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,8}([,x][1-9]\d{0,8}){0,3}$/.test(text))
    throw new UsageError(`--shape ${text}: sides of a sample such as 3,32,32 are needed, without the batch`);
  return text.split(/[,x]/).map(Number);
}

/** Names with commas, or a file with a name in each line. @throws UsageError for names that are given twice, or empty. */
export async function classNames(text: string | undefined): Promise<string[] | undefined> {
  if (text === undefined) return undefined;
  const names = text.includes(",")
    ? text.split(",").map((name) => name.trim())
    : new TextDecoder()
        .decode(await readInput("classes", text))
        .replace(/\r?\n$/, "")
        .split(/\r?\n/)
        .map((name) => name.trim());
  const empty = names.indexOf("");
  if (empty >= 0) throw new UsageError(`--classes ${text}: name ${empty + 1} is empty; each class needs one`);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined)
    throw new UsageError(`--classes ${text}: ${twice} came twice; each class needs a name of its own`);
  if (names.length < 2) throw new UsageError(`--classes ${text}: one name came; two or more are needed`);
  return names;
}
