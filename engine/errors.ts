import type { TensorSpec } from "./lower.js";

/** Shapes, dtypes or options that do not fit an op; thrown before any GPU work. */
export class ShapeError extends Error {
  override name = "ShapeError";
}
/** A tensor used after it was freed. */
export class LifetimeError extends Error {
  override name = "LifetimeError";
}
/** No adapter, a lost device, memory that ran out, a limit exceeded, a shader that does not compile. */
export class DeviceError extends Error {
  override name = "DeviceError";
}
/** The device ran out of memory. */
export class OutOfMemoryError extends DeviceError {
  override name = "OutOfMemoryError";
}
/** The device was lost, or the engine closed; every tensor on it is gone. */
export class DeviceLostError extends DeviceError {
  override name = "DeviceLostError";
  constructor(
    message: string,
    /** `lost`: nobody here asked for it. `closed`: `shutdown` or `stop` was called. */
    readonly reason: "lost" | "closed",
  ) {
    super(message);
  }
}
/** A captured function called with other shapes, or doing what cannot be replayed. */
export class CaptureError extends Error {
  override name = "CaptureError";
}
/** The first NaN or infinity, found by anomaly mode. */
export class AnomalyError extends Error {
  override name = "AnomalyError";
}

/** Lets go of a promise whose maker has been refused: what it comes to is no further error. */
export function abandon(promise: Promise<unknown>): void {
  promise.catch(() => {});
}

function isSpec(t: TensorSpec): boolean {
  try {
    return Array.isArray(t.shape);
  } catch {
    // Nothing, or a proxy that was revoked.
    return false;
  }
}

/** `f32[8,1,28,28]`: the one way a tensor is written in messages. */
export function describe(t: TensorSpec): string {
  if (!isSpec(t))
    throw new TypeError(`describe: ${t === null ? "null" : typeof t} given; a tensor, or { shape, dtype }, is needed`);
  return `${t.dtype}[${t.shape.join(",")}]`;
}
