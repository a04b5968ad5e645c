import { abandon } from "./errors.js";
import { aText } from "./kinds.js";
import { requireArguments, requireFunction, shown } from "./options.js";

/** Names for parts of a function. What is recorded while a label is open carries it, so that a network that was written as a
 *  plain function, or came from a file, can be asked for "conv2" all the same. */
const open: string[] = [];

/** Runs `body`; what it does for the first time carries `name`, below the labels already open: "block1.conv2". Layers of
 *  `sequential` do this by themselves. @throws TypeError for a name that is empty or has a dot at an end, and for a body that
 *  returns a promise. */
export function label<T>(name: string, body: () => T): T {
  if (typeof name !== "string" || !/^[^.\s](.*[^.\s])?$/.test(name))
    throw new TypeError(`label: ${shown(name)} given; a name without dots or spaces at its ends is needed`);
  requireFunction("label", body, 'label("conv1", () => conv2d(x, w))');
  open.push(name);
  try {
    const result = body();
    if (result instanceof Promise) {
      abandon(result);
      throw new TypeError("label: the function returned a promise; label the synchronous parts inside it");
    }
    return result;
  } finally {
    open.pop();
  }
}

/** The labels open now, joined by dots; "" outside of all. */
export function currentLabel(): string {
  return open.join(".");
}

/** Whether `path` is the label `name` or lies inside it. */
export function isWithin(path: string, name: string): boolean {
  requireArguments("isWithin", { path: [path, aText], name: [name, aText] });
  return path === name || path.startsWith(`${name}.`);
}
