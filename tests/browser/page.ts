/** The page: runs the program, draws its maps on a canvas, hands the report to the server it came from. */
import { init, memory, shutdown } from "holdfast";
import { greyValues, type Outcome, runProgram, SIDE } from "./program.js";

/** What is used of the DOM, whose own declarations would reach the whole repository. */
interface Canvas {
  width: number;
  height: number;
  getContext(kind: "2d"): {
    createImageData(width: number, height: number): { readonly data: Uint8ClampedArray };
    putImageData(image: unknown, x: number, y: number): void;
    getImageData(x: number, y: number, width: number, height: number): { readonly data: Uint8ClampedArray };
  };
}
declare const document: { createElement(tag: "canvas"): Canvas; body: { append(element: Canvas): void } };

export interface PageReport {
  readonly adapter: string;
  readonly outcome: Outcome;
  /** The red channel of what was drawn, read back from the canvas. */
  readonly drawn: number[];
  /** Tensors alive after the program. */
  readonly left: number;
}

/** Draws the maps one below the other and reads the canvas back. */
function draw(map: readonly number[]): number[] {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [SIDE, map.length / SIDE];
  document.body.append(canvas);
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  greyValues(map).forEach((grey, i) => {
    image.data.set([grey, grey, grey, 255], 4 * i);
  });
  context.putImageData(image, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  return map.map((_, i) => data[4 * i]);
}

async function report(): Promise<PageReport> {
  const { description: adapter } = await init();
  const outcome = await runProgram();
  const left = memory().liveCount;
  shutdown();
  return { adapter, outcome, drawn: draw(outcome.smoothMap), left };
}

const body = await report().then(
  (done) => JSON.stringify(done),
  (error: Error) => JSON.stringify({ error: `${error.name}: ${error.message}\n${error.stack}` }),
);
await fetch("/report", { method: "POST", body });
