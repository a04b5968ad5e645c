/** Masks of masks. */
import { logicalAnd, logicalNot, logicalOr } from "../../engine/ops/compare.js";
import { tensor } from "../../engine/tensor.js";
import { referenceTest } from "../executors.js";
import { check } from "../harness.js";

referenceTest("masks combine; anything but 0 counts as true", async () => {
  const a = tensor([0, 0, 1, -2]);
  const b = tensor([0, 3, 0, 1]);
  check.equal([...(await logicalAnd(a, b).read())], [0, 0, 0, 1]);
  check.equal([...(await logicalOr(a, b).read())], [0, 1, 1, 1]);
  check.equal([...(await logicalNot(a).read())], [1, 1, 0, 0]);
});
