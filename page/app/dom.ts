/** The little that is needed to write elements. */

type Child = Node | string | undefined;

/** Attributes; functions are listeners, true is an attribute without a value, false and undefined none. */
type Attributes = Readonly<Record<string, string | number | boolean | ((event: never) => void) | undefined>>;

export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value as EventListener);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== undefined && value !== false) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

/** An element of the template. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no element “${id}”.`);
  return found;
}

let names = 0;

/** Lets the browser draw, and hear its reader, before more is done. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/** A control under its label; `value` is shown at the end of the label. */
export function field(label: string, control: HTMLElement, value?: HTMLElement): HTMLDivElement {
  control.id ||= `field-${++names}`;
  return el("div", { class: "field" }, el("label", { for: control.id }, label, value), control);
}

/** Hands the reader a file. */
export function download(name: string, contents: Blob): void {
  const url = URL.createObjectURL(contents);
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
