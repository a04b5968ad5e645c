/** Small networks: layers, losses, optimisers, data sets, training. */
export * from "./activations.js";
export { LAYER_KINDS, type LayerJson, layerFromJson, layerToJson } from "./architecture.js";
export * from "./attention.js";
export { type Checkpoint, loadCheckpoint, saveCheckpoint } from "./checkpoint.js";
export * from "./containers.js";
export { type ArraysOptions, fromArrays, type LabelledArrays } from "./data/arrays.js";
export { countOf, type Dataset, firstOf, hostSamples, partOf, type Split, sampleSize } from "./data/dataset.js";
export { DATASET_NAMES, DATASETS, type DatasetName, loadDataset } from "./data/datasets.js";
export {
  type Domain,
  type Feature,
  type FeatureRange,
  numericShift,
  PIXEL_RANGE,
  shiftedRange,
} from "./data/domain.js";
export { DataError } from "./data/error.js";
export { type FolderOptions, openFolder } from "./data/folder.js";
export { type IdxFiles, type IdxOptions, openIdx } from "./data/idx-set.js";
export { type ImageSize, imageSize, readImage, readImageAs, resizeImage } from "./data/image.js";
export { type NpyArray, readNpy } from "./data/npy.js";
export type {
  DatasetOptions,
  FileOptions,
  Progress,
  SizeOptions,
  SplitOptions,
} from "./data/options.js";
export { type Channels, type Pixels, unitPixels } from "./data/pixels.js";
export {
  batchIndices,
  pickImages,
  pickSamples,
  type ResidentData,
  type ResidentImages,
  residentData,
  residentImages,
  sampleTensor,
} from "./data/resident.js";
export type { DatasetEntry } from "./data/sets/entry.js";
export { SHAPE_CLASSES, type ShapeBytes, type ShapesOptions, shapeBytes, shapes } from "./data/shapes.js";
export { stratifiedSplit } from "./data/split.js";
export type { CsvOptions, Separator, TextTable } from "./data/table/csv.js";
export { readCsv } from "./data/table/csv.js";
export type { ColumnPlan, MissingPolicy, PreparationOptions } from "./data/table/fit.js";
export { type CsvTableOptions, openTable, type TableOptions, tableDataset } from "./data/table/open.js";
export {
  classOfRow,
  featureValues,
  type PreparedColumn,
  prepareRow,
  readPreparation,
  type TablePreparation,
  type TableRecord,
  tableDomain,
} from "./data/table/preparation.js";
export * from "./diverged.js";
export { type EvaluateOptions, evaluate } from "./evaluate.js";
export type { Fans, Initialiser } from "./init.js";
export * as initialisers from "./init.js";
export {
  type ApplyContext,
  type Initialised,
  type Layer,
  type LayerOptions,
  type LayerParts,
  named,
  type ParamsOf,
  type Place,
  placesAlong,
  placesOf,
  replaceLayers,
  type SampleShape,
  type WeightAndBias,
} from "./layer.js";
export { type LayerKind, layerKind } from "./layer-kind.js";
export * from "./layers.js";
export * from "./losses.js";
export * from "./metrics.js";
export {
  ACTIVATIONS,
  type ActivationName,
  buildNetwork,
  cardMetadata,
  type FileCard,
  type ModelCard,
  networkOf,
  readCard,
  readClasses,
} from "./model-card.js";
export {
  type NetworkFile,
  type OpenedNetwork,
  openNetwork,
  readNetworkFile,
  shapeIn,
  usualRange,
} from "./network-file.js";
export * from "./norms.js";
export * from "./onnx/index.js";
export * from "./optim.js";
export * from "./presets.js";
export { type RecoveryOptions, type TrainingRun, trainThroughLosses } from "./recovery.js";
export {
  type HostTensor,
  type ReadOptions,
  readSafetensors,
  type SafetensorsFile,
  type WriteOptions,
  writeSafetensors,
} from "./safetensors.js";
export * from "./schedules.js";
export * from "./sequences.js";
export * from "./train.js";
export { type PackedTree, packTree, unpackTree } from "./weights.js";
