/** Training, explaining and attacking step by step, with files in between. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { imagePicture, toPng } from "../../atex/render/picture.js";
import { random } from "../../engine/index.js";
import { readPng } from "../../nn/data/png.js";
import { cardMetadata, packTree, readSafetensors, SHAPE_CLASSES, shapes, tinyNetwork } from "../../nn/index.js";
import { onReference } from "../executors.js";
import { check, gpuTest, test } from "../harness.js";
import { type Finished, holdfast, inFolder } from "./holdfast.js";

const small = ["--train-size", "640", "--test-size", "100", "--batch", "32"];

function succeeded({ code, out, err }: Finished): string {
  check.is(code, 0, `${out}\n${err}`);
  return out;
}

gpuTest(
  "train, explain, attack and defend hand files to each other",
  () =>
    inFolder(async (folder) => {
      const path = (name: string): string => join(folder, name);
      const trained = succeeded(await holdfast(folder, ["train", ...small, "--epochs", "2", "--out", "w.safetensors"]));
      check.match(trained, /epoch 2\/2 .*loss \d+\.\d+ .*accuracy [\d.]+ % .*samples\/s .*test accuracy/);
      const { metadata, tensors } = readSafetensors(await readFile(path("w.safetensors")));
      check.equal(
        ["network", "activation", "beta", "data", "seed", "epoch"].map((name) => metadata.get(name)),
        ["tiny", "softplus", "10", "shapes", "0", "2"],
      );
      const accuracy = Number(metadata.get("accuracy"));
      check.ok(accuracy > 0.2 && accuracy <= 1, `twice better than chance, ${accuracy}`);
      check.equal(tensors.get("0.weight")?.shape, [8, 1, 3, 3]);

      const { images, labels } = shapes({ count: 4, stream: 1 });
      await writeFile(
        path("own.png"),
        toPng(imagePicture(images.subarray(3 * 784, 4 * 784), { channels: 1, height: 28, width: 28 })),
      );
      const own = ["--weights", "w.safetensors", "--image", "own.png"];
      const explained = succeeded(
        await holdfast(folder, ["explain", ...own, "--method", "integrated-gradients", "--out", "map.png"]),
      );
      const shares = [...explained.matchAll(/^ {2}(.+?) +([\d.]+) %/gm)];
      check.is(shares.length, 5, "the five most probable classes");
      check.ok(
        shares.every(([, name]) => SHAPE_CLASSES.includes(name)),
        explained,
      );
      check.match(explained, /completeness: /);
      check.ok((await readPng(await readFile(path("map.png")))).width > 4 * 28, "a panel of four pictures");

      // The same image from the data set: the PNG holds it exactly, so the prediction is the same.
      const byIndex = succeeded(
        await holdfast(folder, [
          "attack",
          "--weights",
          "w.safetensors",
          "--data",
          "shapes",
          "--index",
          "3",
          "--steps",
          "10",
        ]),
      );
      check.match(byIndex, `${shares[0][1]}; top-k attack on gradient`);
      check.match(byIndex, "prediction kept");
      const metrics = JSON.parse(await readFile(path("out/attack/metrics.json"), "utf8"));
      check.is(metrics.prediction, shares[0][1]);
      check.ok(metrics.attacked.predictionKept, "the attack keeps the prediction");
      check.ok(metrics.attacked.largestChange <= 0.03, `eps holds exactly, ${metrics.attacked.largestChange}`);
      check.ok(metrics.attacked.objective > metrics.clean.objective, "the objective grew");
      check.ok(metrics.clean.massOnFigure > 0 && metrics.clean.massOnFigure < 1, "the mask is known");
      check.is(labels[3], 3);
      const floats = readSafetensors(await readFile(path("out/attack/attacked.safetensors"))).tensors;
      const png = await readPng(await readFile(path("out/attack/attacked.png")));
      check.equal([png.width, png.height], [28, 28]);
      check.close(png.data, floats.get("attacked")!.data, { atol: 1 / 255 + 1e-6 }, "the PNG is the rounded image");
      check.close(png.data, floats.get("clean")!.data, { atol: 0.03 }, "and keeps the budget");
      check.close(floats.get("clean")!.data, images.subarray(3 * 784), { atol: 0 });

      // The exact image, rather than its bytes.
      const exact = [
        "explain",
        "--weights",
        "w.safetensors",
        "--image",
        "out/attack/attacked.safetensors",
        "--out",
        "again.png",
      ];
      const again = succeeded(await holdfast(folder, exact));
      check.match(again, `attacked.safetensors, attacked: ${shares[0][1]}`);
      const repeated = readSafetensors(await readFile(path("again.safetensors"))).tensors;
      check.identical(repeated.get("input")!.data, floats.get("attacked")!.data);
      const strange = await holdfast(folder, [...exact, "--tensor", "attackd"]);
      check.match(strange.err, /it has no attackd; f32 \[1,1,28,28\] is needed, as --tensor attacked, clean\n$/);
      const of = ["--weights", "w.safetensors", "--data", "shapes", "--index", "3"];
      const all = ["--objective", "ensemble", "--measure", "spearman", "--steps", "3", "--out", "out/all"];
      const worst = succeeded(await holdfast(folder, ["attack", ...of, ...all]));
      check.match(
        worst,
        /prediction kept.*\n *ensemble, worst by spearman: from -1\.00 to -0\.\d+; 21 maps differentiated/,
      );
      const { attack, attacked } = JSON.parse(await readFile(path("out/all/metrics.json"), "utf8"));
      check.equal([attack.objective, attack.measure], ["ensemble", "spearman"]);
      check.close([-attacked.objective], [attacked.spearman], { atol: 2e-3 });

      const other = await holdfast(folder, ["defend", "--weights", "w.safetensors", "--data", "mnist"]);
      check.match(other.err, /holdfast: --data mnist: the weights were trained on shapes; leave the option out/);
      const how = ["--scheme", "atex", "--epochs", "1", "--eps", "0.04", "--images", "4", "--steps", "5"];
      const defended = succeeded(await holdfast(folder, ["defend", "--weights", "w.safetensors", ...how]));
      check.match(defended, /ATEX against eps 0.04 on 640 images of shapes/);
      const kept = /top-k: ensemble +([\d.]+) +([\d.]+)/.exec(defended) ?? [];
      check.ok([1, 2].every((i) => Number(kept[i]) >= 0 && Number(kept[i]) <= 1) && kept[1] !== kept[2], defended);
      const after = readSafetensors(await readFile(path("out/defended.safetensors")));
      check.equal(
        ["network", "data", "train-size", "defence", "eps"].map((name) => after.metadata.get(name)),
        ["tiny", "shapes", "640", "ATEX", "0.04"],
      );
      const [was, is] = [tensors, after.tensors].map((all) => all.get("0.weight")!.data);
      check.ok(
        is.some((v, i) => v !== was[i]),
        "it was trained",
      );
    }),
  { timeoutMs: 300_000 },
);

gpuTest(
  "a run stopped by Ctrl-C and by SIGTERM goes on, where it was and as far as it was to go, to the same bits",
  () =>
    inFolder(async (folder) => {
      const run = ["train", "--train-size", "1280", "--test-size", "100", "--epochs", "4"];
      const whole = holdfast(folder, [...run, "--out", "whole.safetensors"]);
      const stoppedBy = async (
        signal: NodeJS.Signals,
        seen: RegExp,
        args: readonly string[],
        status: number,
      ): Promise<string[]> => {
        let sent = false;
        const { code, out, err } = await holdfast(folder, args, (out, interrupt) => {
          if (sent || !seen.test(out)) return;
          sent = true;
          interrupt(signal);
        });
        check.is(code, status, `${out}\n${err}`);
        check.match(out, /stopped in epoch \d; go on with --resume part\.checkpoint\.safetensors/);
        const { metadata } = readSafetensors(await readFile(join(folder, "part.checkpoint.safetensors")));
        return ["epoch", "step", "epochs"].map((name) => metadata.get(name)!);
      };
      const resume = ["--resume", "part.checkpoint.safetensors"];
      const first = await stoppedBy("SIGTERM", /^tiny network/m, [...run, "--out", "part.safetensors"], 143);
      // Three epochs are left for the signal to arrive in.
      const second = await stoppedBy("SIGINT", /^epoch 1\/4 +step/m, ["train", ...resume], 130);
      check.equal([first[2], second[2]], ["4", "4"]);
      check.ok(Number(second[0]) < 4 && String(first) !== String(second), `${first} then ${second}`);
      succeeded(await holdfast(folder, ["train", ...resume]));
      const finished = succeeded(await holdfast(folder, ["train", ...resume]));
      check.match(finished, /part\.checkpoint\.safetensors has done 4 epochs, 4 are wanted: nothing is left to do/);
      succeeded(await whole);
      for (const name of ["", ".checkpoint"]) {
        const [a, b] = await Promise.all(
          ["whole", "part"].map((run) => readFile(join(folder, `${run}${name}.safetensors`))),
        );
        check.ok(a.equals(b), `whole${name} and part${name} hold the same bytes`);
      }
      const other = await holdfast(folder, ["train", ...resume, "--lr", "0.1"]);
      check.is(other.code, 2);
      check.is(
        other.err,
        "holdfast: --lr 0.1: part.checkpoint.safetensors was made with 0.003; leave it out to go on, or start anew\n",
      );
    }),
  { timeoutMs: 300_000 },
);

test(
  "mistakes are one sentence and exit code 2",
  () =>
    inFolder(async (folder) => {
      await writeFile(join(folder, "text.png"), "no picture");
      await writeFile(
        join(folder, "large.png"),
        toPng(imagePicture(new Float32Array(32 * 32), { channels: 1, height: 32, width: 32 })),
      );
      await writeFile(join(folder, "text.safetensors"), "no weights, though long enough for a header");
      const tiny = tinyNetwork();
      const card = { network: "tiny", activation: "softplus", beta: 10, classes: SHAPE_CLASSES } as const;
      const params = await onReference(async () =>
        packTree(tiny.init(random.key(0), [1, 28, 28]).params, cardMetadata(card)),
      );
      await writeFile(join(folder, "w"), params);
      const shape = ["--data", "shapes"];
      const w = ["--weights", "w"];
      const cases: [string[], RegExp][] = [
        [
          ["explain", ...shape, "--cpu"],
          /^holdfast: no network is given; pass --weights with a file that `holdfast train` wrote, --model .* or --module/,
        ],
        [
          ["explain", ...shape, "--cpu", "--weights", "none.safetensors"],
          /^holdfast: --weights none.safetensors: there is no such file$/,
        ],
        [["explain", ...shape, "--cpu", "--weights", "text.safetensors"], /^holdfast: text.safetensors: safetensors: /],
        [["explain", ...shape, "--cpu", "--weights", "."], /--weights \.: it is a folder; a file is needed$/],
        [["attack", ...w], /^holdfast: no sample is given; pass --image file.png, or --data shapes/],
        [["attack", ...w, "--image", "text.png"], /^holdfast: text.png: png: /],
        [["attack", ...w, "--image", "large.png"], /^holdfast: large.png: image is 32x32; .*pass --resize/],
        [
          ["attack", ...w, "--image", "a.png", "--index", "3"],
          /--index goes with --data or --rows; leave it out beside/,
        ],
        [["attack", ...w, "--image", "a.png", ...shape], /--image and --data exclude each other; give one of them$/],
        [["explain", ...w, ...shape, "--index", "2000"], /--index 2000: shapes has test samples 0 to 1999$/],
        // Where the file is absent, that is said instead.
        [["explain", ...w, "--data", "compas"], /compas: .*(\[1,28,28\]|is not downloaded; fetch it from)/],
        [
          ["explain", ...w, ...shape, "--network", "paper"],
          /the file says network tiny, paper came with it; leave network out/,
        ],
        [
          ["explain", ...w, ...shape, "--method", "smoothgrid"],
          /unknown method smoothgrid; did you mean smoothgrad\?$/,
        ],
        [["explain", ...w, ...shape, "--sigma", "1"], /--sigma is no option of gradient, which has none$/],
        [["explain", ...w, ...shape, "--out", "x.jpg"], /--out x.jpg: a name that ends in .png is needed$/],
        [
          ["explain", "--weights", "text.safetensors", ...shape, "--out", "text.png"],
          /--out text.png: its numbers would overwrite --weights text.safetensors; give another name$/,
        ],
        [["attack", ...w, ...shape, "--method", "sparsified-smoothgrad"], /it has no gradient to attack it by/],
        [["attack", ...w, ...shape, "--objective", "top"], /unknown objective top; did you mean top-k\?$/],
        [["attack", ...w, ...shape, "--eps", "-2"], /--eps -2: a number at least 0 is needed$/],
        [
          ["attack", ...w, ...shape, "--objective", "mass-centre", "--restarts", "0"],
          /--restarts 0: a whole number at least 1 and at most 1000 is needed$/,
        ],
        [["defend", "--scheme", "atx"], /unknown scheme atx; did you mean atex\?$/],
        [["defend", "--eps", "0"], /--eps 0: a number at least 0.0001 and at most 1 is needed$/],
        [["train", "--network", "papr"], /unknown network papr; did you mean paper\?$/],
        [["train", "--data", "fashion"], /unknown data set fashion; .*fashion-mnist/],
        [["train", "--epochs", "0"], /--epochs 0: a whole number at least 1 is needed$/],
        [["train", "--resume", "text.safetensors"], /^holdfast: text.safetensors: safetensors: /],
        [["demo", "--seed", "-1"], /--seed -1: a whole number at least 0/],
      ];
      for (const [args, message] of cases) {
        const { code, out, err } = await holdfast(folder, args);
        check.is(code, 2, `${args.join(" ")}: ${err}`);
        check.is(out, "");
        check.is(err.trim().split("\n").length, 1, err);
        check.match(err.trim(), message);
      }
    }),
  { timeoutMs: 300_000 },
);
