/** WebGPU's bit flags. The specification fixes their values; Node has no globals for them. */
export const usage = {
  mapRead: 0x1,
  copySource: 0x4,
  copyTarget: 0x8,
  uniform: 0x40,
  storage: 0x80,
  indirect: 0x100,
  queryResolve: 0x200,
} as const;
export const computeStage = 0x4;
export const mapRead = 0x1;
