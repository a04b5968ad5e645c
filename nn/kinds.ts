/** What arguments of networks, data and training may be (see engine/kinds.ts). Values are looked at, not searched: of a large list the
 *  place where its numbers are used judges each. */
import {
  aFlag,
  aFunction,
  aNumber,
  anObject,
  aTensor,
  aText,
  aTree,
  byteArray,
  either,
  listOf,
  maybe,
  numbers,
} from "../engine/kinds.js";
import { isList, isRecord, type Kind } from "../engine/options.js";

/** Whatever it is, it was given. */
export const aValue: Kind = { needed: "a value", fits: (v) => v !== undefined && v !== null };
export const aList: Kind = {
  needed: "a list",
  fits: (v) => isList(v) || (ArrayBuffer.isView(v) && !(v instanceof DataView)),
};
export const anyObject: Kind = {
  needed: "an object",
  fits: isRecord,
};
/** Names with texts, as headers of files have them. */
export const textRecord: Kind = {
  needed: "an object of texts",
  fits: (v) => isRecord(v) && Object.values(v).every((text) => typeof text === "string"),
};
/** A row of a table by column. */
export const aTableRecord: Kind = {
  needed: "an object of texts and numbers by column",
  fits: (v) => isRecord(v) && Object.values(v).every((cell) => ["string", "number", "boolean"].includes(typeof cell)),
};
const isMap = (value: unknown): boolean => {
  try {
    return value instanceof Map;
  } catch {
    // A proxy that was revoked.
    return false;
  }
};
export const aMap: Kind = { needed: "a Map", fits: isMap };
export const numberList: Kind = listOf(aNumber, "numbers");
export const oneOfNumbers: Kind = { needed: "1, 3 or another number of channels", fits: aNumber.fits };

/** The lowest and highest valid values: of all features, or of each. */
const bounds: Kind = either(aNumber, { ...numbers, needed: "a list of numbers" });
export const aRange = anObject("a range", { low: bounds, high: bounds });
export const aFeature = anObject("a feature", { name: aText, kind: aText, at: numberList });
export const aDomain = anObject("a domain", { shape: numberList, range: aRange, features: maybe(aList) });
export const aLayer = anObject("a layer", { kind: aText, init: aFunction, apply: aFunction });
export const anOptimiser = anObject("an optimiser, such as adam(),", { init: aFunction, update: aFunction });
export const aSplit = anObject("a part of a data set", { shape: numberList, samples: numbers, labels: numbers });
export const aLabelledArrays = anObject("samples with labels", { samples: numbers, labels: numbers });
export const aResidentData = anObject("what residentData gives", {
  count: aNumber,
  shape: numberList,
  words: aList,
  labels: aTensor,
});
export const aTrainState = anObject("a state of training, from initialState() or train(),", {
  epoch: aNumber,
  step: aNumber,
  params: aTree,
  optimiser: aTree,
});
export const aPixels = anObject("decoded pixels", {
  width: aNumber,
  height: aNumber,
  channels: aNumber,
  data: numbers,
});
export const aSafetensorsFile = anObject("what readSafetensors gives", { tensors: aMap, metadata: aMap });
export const aTextTable = anObject("a table of texts", { columns: aList, rows: aList });
export const aTablePreparation = anObject("a preparation of tables", {
  columns: aList,
  missing: aList,
  target: anyObject,
});
export const aFileCard = anObject("the card of a file", { classes: aList });
export const anIdxFiles = anObject("the four files", {
  trainImages: byteArray,
  trainLabels: byteArray,
  testImages: byteArray,
  testLabels: byteArray,
});
/** What networks are trained and judged on. */
export const labelledSamples: Kind = {
  needed: "samples with labels",
  remedy:
    "residentData(split), a part of a data set, or { shape, samples, labels } with a Float32Array [n, ...shape] and an Int32Array [n]",
  fits: (v) => aResidentData.fits(v) || aSplit.fits(v),
};
/** What ends a call early. */
export const aStop = anObject("an object", { aborted: aFlag });
/** An AbortSignal, or what has as much of it as is used. */
export const aSignal = anyObject;
export const anAbortSignalLike = anObject("an AbortSignal", {
  throwIfAborted: aFunction,
  addEventListener: aFunction,
});
