/** Every setting of the page, its default, and how it is written in the address: a link repeats what was seen. */

/** One setting: its default, and its way into the address and back. */
export interface Setting<T> {
  readonly initial: T;
  /** What the text means; undefined for what means nothing. */
  read(text: string): T | undefined;
  write(value: T): string;
  /** For people: what is accepted. */
  readonly needed: string;
}

function words<const T extends string>(initial: T, ...all: readonly T[]): Setting<T> & { readonly all: readonly T[] } {
  return {
    initial,
    all,
    read: (text) => all.find((word) => word === text),
    write: (value) => value,
    needed: `one of ${all.join(", ")}`,
  };
}

interface Limits {
  readonly min: number;
  readonly max: number;
  readonly step: number;
}

function number(initial: number, limits: Limits): Setting<number> & Limits {
  const { min, max, step } = limits;
  const whole = Number.isInteger(step);
  return {
    ...limits,
    initial,
    read(text) {
      const value = text.trim() === "" ? Number.NaN : Number(text);
      return value >= min && value <= max && (!whole || Number.isInteger(value)) ? value : undefined;
    },
    write: String,
    needed: `a ${whole ? "whole " : ""}number from ${min} to ${max}`,
  };
}

function pattern(initial: string, form: RegExp, needed: string): Setting<string> {
  return { initial, read: (text) => (form.test(text) ? text : undefined), write: (value) => value, needed };
}

const whole = (initial: number, min: number, max: number) => number(initial, { min, max, step: 1 });

export const DEFENCE_NAMES = ["plain", "smoothing", "atex", "r2et"] as const;
export type DefenceName = (typeof DEFENCE_NAMES)[number];

export const OBJECTIVE_NAMES = ["top-k", "mass-centre", "target", "target-map"] as const;

/** Explainers whose maps have a slope that an attack can follow, by their names in the table; a test compares. */
export const EXPLAINER_NAMES = [
  "gradient",
  "gradient-x-input",
  "smoothgrad",
  "integrated-gradients",
  "lrp",
  "guided-backprop",
  "deep-lift",
  "grad-cam",
  "guided-grad-cam",
  "vargrad",
  "expected-gradients",
] as const;

/** Sides of the pictures that the page draws and takes. */
export const SIDE = 28;
/** Test pictures to choose from. */
export const PICTURES = 40;

/** A new setting is a row here; controls, the address and the program that the page writes follow. */
export const SETTINGS = {
  /** Number of a test picture of the data set `shapes`. */
  image: whole(1, 0, PICTURES - 1),
  /** A picture of the reader's own, `encodePixels`; nothing for one of the data set. */
  pixels: pattern("", /^([\w-]{1046})?$/, "28x28 bytes in base64"),
  explainer: words("gradient", ...EXPLAINER_NAMES),
  /** Noisy copies, or points of a path, of explainers that take any. */
  copies: whole(12, 2, 100),
  objective: words("top-k", ...OBJECTIVE_NAMES),
  k: whole(50, 1, 300),
  region: pattern("2,2,9,9", /^\d\d?,\d\d?,\d\d?,\d\d?$/, "top,left,height,width in pixels"),
  /** The map to be shown: of another picture, or letters. */
  target: pattern("word:NO", /^(word:.{0,4}|image:([0-9]|[1-3][0-9]))$/u, "word:NO or image:7"),
  eps: number(0.05, { min: 0, max: 0.2, step: 0.005 }),
  steps: whole(30, 1, 300),
  defence: words("plain", ...DEFENCE_NAMES, "trained", "onnx"),
  /** Sharpness of the softplus of beta-smoothing. */
  beta: number(3, { min: 0.5, max: 50, step: 0.5 }),
  view: words("size", "size", "sign"),
  seed: whole(0, 0, 2 ** 31 - 1),
  /** Training in the page. */
  images: whole(2000, 100, 10_000),
  epochs: whole(3, 1, 30),
  rate: number(0.003, { min: 0.0001, max: 0.1, step: 0.0001 }),
  /** The table: people made up, how many; which of them is explained. */
  people: whole(1500, 200, 5000),
  person: whole(0, 0, 49),
} as const satisfies Record<string, Setting<never> | Setting<string> | Setting<number>>;

export type SettingName = keyof typeof SETTINGS;
export type Settings = {
  readonly [K in SettingName]: (typeof SETTINGS)[K] extends Setting<infer T> ? T : never;
};

const NAMES = Object.keys(SETTINGS) as SettingName[];
/** The table without the types of its rows. */
const ROWS = SETTINGS as unknown as Readonly<Record<SettingName, Setting<string | number>>>;

export const INITIAL = Object.fromEntries(NAMES.map((name) => [name, ROWS[name].initial])) as unknown as Settings;

export interface ReadSettings {
  readonly settings: Settings;
  /** A sentence for each part of the address that means nothing. */
  readonly problems: readonly string[];
}

/** The settings in an address after its "#"; what is left out has its default, and what means nothing too, with a sentence. */
export function readSettings(hash: string): ReadSettings {
  const settings: Record<string, string | number> = { ...INITIAL };
  const problems: string[] = [];
  for (const [name, text] of new URLSearchParams(hash.replace(/^#/, ""))) {
    const row = Object.hasOwn(ROWS, name) ? ROWS[name as SettingName] : undefined;
    const value = row?.read(text);
    if (value !== undefined) settings[name] = value;
    else
      problems.push(
        row
          ? `The address says ${name}=${text.slice(0, 30)}; ${row.needed} is needed, so ${row.initial || "none"} is used.`
          : `The address has a setting ${name.slice(0, 30)}, which this page does not know.`,
      );
  }
  return { settings: settings as unknown as Settings, problems };
}

/** The settings as an address after its "#": those that differ from their defaults, in the order of the table. */
export function writeSettings(settings: Settings): string {
  const told = new URLSearchParams();
  for (const name of NAMES)
    if (settings[name] !== ROWS[name].initial) told.set(name, ROWS[name].write(settings[name] as never));
  return told.toString().replaceAll("%3A", ":").replaceAll("%2C", ",");
}

/** What the map of an image depends on, as text to compare. */
export function mapKey({ image, pixels, explainer, copies, defence, beta, seed }: Settings): string {
  return JSON.stringify([image, pixels, explainer, copies, defence, beta, seed]);
}

/** All that an attack depends on, as text to compare. */
export function attackKey(settings: Settings, steps: number): string {
  const { eps, objective, k, region, target } = settings;
  return mapKey(settings) + JSON.stringify([eps, objective, k, region, target, steps]);
}

/** Bytes 0 to 255 of a picture as text for an address. */
export function encodePixels(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}

/** The bytes of `encodePixels`; undefined for nothing. */
export function decodePixels(text: string): Uint8Array | undefined {
  if (text === "") return undefined;
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
}

/** A rectangle "top,left,height,width". */
export interface Region {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

export function readRegion(text: string): Region {
  const [top, left, height, width] = text.split(",").map(Number);
  return { top, left, height, width };
}

/** The rectangle moved and cut so that it lies in a picture and holds a pixel at least. */
export function fittedRegion({ top, left, height, width }: Region, rows = SIDE, columns = SIDE): Region {
  const between = (v: number, low: number, high: number): number => Math.min(high, Math.max(low, Math.round(v)));
  const [y, x] = [between(top, 0, rows - 1), between(left, 0, columns - 1)];
  return { top: y, left: x, height: between(height, 1, rows - y), width: between(width, 1, columns - x) };
}

export function writeRegion({ top, left, height, width }: Region): string {
  return [top, left, height, width].join(",");
}
