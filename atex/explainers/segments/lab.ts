/** Colours as people see their differences. */

/** sRGB on [0, 1] → CIELAB under D65: lightness 0 to 100, and two opponent axes of about ±100. Source: IEC 61966-2-1; CIE 15. */
export function labOf(red: number, green: number, blue: number): readonly [number, number, number] {
  const [r, g, b] = [linear(red), linear(green), linear(blue)];
  // Relative to the white point, so that a grey has no colour.
  const x = bent((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047);
  const y = bent(0.2126729 * r + 0.7151522 * g + 0.072175 * b);
  const z = bent((0.0193339 * r + 0.119192 * g + 0.9503041 * b) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

function linear(v: number): number {
  const c = Math.min(1, Math.max(0, v));
  return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
}

function bent(t: number): number {
  return t > (6 / 29) ** 3 ? Math.cbrt(t) : t / (3 * (6 / 29) ** 2) + 4 / 29;
}
