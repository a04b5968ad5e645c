/** What the programs compute with: the same for every system, made without one. */

/** @param {number} count @param {number} scale @param {number} phase */
const waves = (count, scale, phase) => Array.from({ length: count }, (_, i) => scale * Math.sin(7.3 * i + phase));

/** Two layers: w1, b1, w2, b2 with their shapes. @param {number} inputs @param {number} hidden @param {number} outputs */
export const network = (inputs, hidden, outputs) => [
  [waves(inputs * hidden, 1 / Math.sqrt(inputs), 1), [inputs, hidden]],
  [waves(hidden, 0.1, 2), [hidden]],
  [waves(hidden * outputs, 1 / Math.sqrt(hidden), 3), [hidden, outputs]],
  [waves(outputs, 0.1, 4), [outputs]],
];

/** Exclusive or, as four samples with one-hot answers. */
export const samples = [
  [
    [0, 0, 0, 1, 1, 0, 1, 1],
    [4, 2],
  ],
  [
    [1, 0, 0, 1, 0, 1, 1, 0],
    [4, 2],
  ],
];

/** An image of 8x8 in [0.2, 0.8], and the one-hot class it is to lose. */
export const image = [waves(64, 0.3, 5).map((v) => 0.5 + v), [1, 64]];
export const label = [
  [1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  [1, 10],
];
export const [EPS, STEP, STEPS] = [0.05, 0.01, 10];
