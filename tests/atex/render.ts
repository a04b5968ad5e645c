/** What several tests of pictures look at. */
import type { Picture } from "../../atex/render/picture.js";

/** Red, green and blue of a pixel. */
export const pixel = ({ rgba, width }: Picture, x: number, y: number): number[] => [
  ...rgba.subarray(4 * (y * width + x), 4 * (y * width + x) + 3),
];

/** The picture as text, "#" for every pixel that is not white; for small ones. */
export function drawn(picture: Picture): string[] {
  return Array.from({ length: picture.height }, (_, y) =>
    Array.from({ length: picture.width }, (_, x) =>
      pixel(picture, x, y).every((channel) => channel === 255) ? "." : "#",
    ).join(""),
  );
}

/** Where every tag of XML or HTML closes in order; elements that HTML leaves open are left out. @returns what stays open. */
export function unclosed(text: string): string[] {
  const open: string[] = [];
  const body = text.replace(/<script[^>]*>[\s\S]*?<\/script>/g, "");
  for (const [, closing, name, selfClosing] of body.matchAll(
    /<(\/?)([a-zA-Z][a-zA-Z0-9]*)(?:"[^"]*"|[^">])*?(\/?)>/g,
  )) {
    if (["meta", "img", "br"].includes(name) || selfClosing) continue;
    if (!closing) open.push(name);
    else if (open.pop() !== name) throw new Error(`</${name}> closes another element`);
  }
  return open;
}
