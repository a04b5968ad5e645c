/** A worker that explains: it opens the engine once, answers every message, and says so when it cannot. One learns: WebGPU off the main
 *  thread, so that no page ever waits. Bundle it as a module, like the page. */
import { argmax, init, random, scope, type Tensor, tensor } from "holdfast";
import { classScore, saliencyMap, smoothGrad } from "holdfast/atex";
import { avgPool, conv2d, dense, flatten, sequential, softplus } from "holdfast/nn";

export interface Question {
  readonly pixels: Float32Array;
  readonly side: number;
}
export type Answer = { readonly map: Float32Array; readonly predicted: number } | { readonly error: string };

const model = sequential([conv2d(4, 3, { padding: "same" }), softplus({ beta: 10 }), avgPool(4), flatten, dense(3)]);

/** What all questions share; in a page of your own, parameters come from a file (`openNetwork`). */
async function open(side: number) {
  await init();
  return scope(() => ({ key: random.key(7), params: model.init(random.key(1), [1, side, side]).params }));
}
let opened: ReturnType<typeof open> | undefined;

async function answer({ pixels, side }: Question): Promise<Answer> {
  opened ??= open(side);
  const { key, params } = await opened;
  const { map, classes } = scope(() => {
    const classifier = (x: Tensor): Tensor => model.apply(params, x);
    const x = tensor(pixels, [1, 1, side, side]);
    const classes = argmax(classifier(x), 1);
    const explain = smoothGrad({ samples: 4, sigma: 0.1, key });
    return { map: saliencyMap(explain(classScore(classifier, classes), x)), classes };
  });
  try {
    return { map: Float32Array.from(await map.read()), predicted: await classes.item() };
  } finally {
    map.dispose();
    classes.dispose();
  }
}

self.onmessage = async ({ data }: MessageEvent<Question>) => {
  const reply = await answer(data).catch((error: Error): Answer => ({ error: error.message }));
  self.postMessage(reply);
};
