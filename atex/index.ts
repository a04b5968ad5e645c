/** Explanations of networks: made, attacked, measured, defended, audited. Each has an entry of its own as well. */

export * from "./attack.js";
export * from "./audit/index.js";
export * from "./defences/index.js";
export * from "./draw.js";
export * from "./explain.js";
export * from "./measure.js";
