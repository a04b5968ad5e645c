/** Small networks: layers, losses, optimisers, data sets, training. */
export * from "./activations.js";
export { type Checkpoint, loadCheckpoint, saveCheckpoint } from "./checkpoint.js";
export {
  type AbortSignalLike,
  type DatasetName,
  type DatasetOptions,
  type FileOptions,
  type ImageDataset,
  type ImageSplit,
  loadDataset,
  type Progress,
} from "./data/datasets.js";
export { type Domain, type Feature, type FeatureRange, PIXEL_RANGE } from "./data/domain.js";
export { DataError } from "./data/error.js";
export { unitPixels } from "./data/pixels.js";
export { batchIndices, pickImages, type ResidentImages, residentImages } from "./data/resident.js";
export { SHAPE_CLASSES, type ShapeBytes, type ShapesOptions, shapeBytes, shapes } from "./data/shapes.js";
export type { Fans, Initialiser } from "./init.js";
export * as initialisers from "./init.js";
export {
  type ApplyContext,
  type Initialised,
  isSequential,
  type Layer,
  named,
  replaceLayers,
  type SampleShape,
  type Sequential,
  sequential,
} from "./layer.js";
export * from "./layers.js";
export * from "./losses.js";
export * from "./metrics.js";
export {
  ACTIVATIONS,
  type ActivationName,
  buildNetwork,
  cardMetadata,
  type ModelCard,
  readCard,
} from "./model-card.js";
export * from "./optim.js";
export * from "./presets.js";
export { type HostTensor, readSafetensors, type SafetensorsFile, writeSafetensors } from "./safetensors.js";
export * from "./schedules.js";
export * from "./train.js";
export { type PackedTree, packTree, unpackTree } from "./weights.js";
