/** Row 7: explainers agree with each other, and with themselves when drawn again. */
import { callerScope, scope, sum, type Tensor } from "../../../engine/index.js";
import { count, list, natural, type Read, setting } from "../../../nn/schema.js";
import { saliencyMap } from "../../explainers/explainer.js";
import { isTable } from "../../explainers/features.js";
import { explainerName } from "../../explainers/table.js";
import { agreementOnTop, type SignedMap, tolerantAgreement } from "../../metrics/disagreement.js";
import { RefusalError } from "../../refusal.js";
import {
  type AuditJudgement,
  type AuditMeasurement,
  type AuditNumber,
  type AuditWorld,
  auditRow,
  type Candidate,
} from "../audit.js";
import { isAbove, withInterval } from "../beside.js";
import { tableCandidate } from "../controls.js";
import { type AuditBatch, mapsOf, overBatches } from "../maps.js";
import { meanNumber, numberOf, pairedDifference, percent } from "../numbers.js";
import { checkTop } from "../parts.js";

const options = {
  panel: setting(
    list(explainerName),
    undefined,
    "explainers to agree with; default gradient, gradient-x-input, smoothgrad, integrated-gradients, lrp for images, gradient-x-input, " +
      "integrated-gradients, expected-gradients, kernel-shap, lime for tables",
  ),
  k: setting(count, undefined, "pixels or columns at the top; default a tenth of an image's, half of a table's"),
  reach: setting(natural, 1, "pixels that places at the top may be off, in the tolerant count"),
  seeds: setting(natural, 2, "further draws of an explainer that draws"),
};
type Settings = Read<typeof options>;

const PANELS = {
  images: ["gradient", "gradient-x-input", "smoothgrad", "integrated-gradients", "lrp"],
  tables: ["gradient-x-input", "integrated-gradients", "expected-gradients", "kernel-shap", "lime"],
} as const;

const TOP = "top-k agreement";
const TOLERANT = "top-k agreement within a pixel";
const RANKS = "rank agreement";
const SIGNS = "sign agreement";
const SIGNED_RANKS = "signed rank agreement";
const ITSELF = "top-k agreement with itself, drawn again";

async function measure(
  settings: Settings,
  world: AuditWorld,
  candidate: Candidate | undefined,
): Promise<AuditMeasurement> {
  const here = callerScope();
  const { domain, seed, say } = world;
  const image = domain.shape.length === 3;
  const others = (settings.panel ?? PANELS[isTable(domain) ? "tables" : "images"]).filter(
    (name) => name !== candidate!.name,
  );
  const absent = new Set<string>();
  const found = await here.wait(
    overBatches(world, "agreement", async (batch) => {
      const here = callerScope();
      const own = await here.wait(signedMaps(world, candidate!, batch));
      const k = settings.k ?? defaultTop(own[0].importance.length, image);
      const values = new Map<string, number[]>();
      const note = (name: string, other: string, each: readonly number[]): void =>
        void values.set(`${name}/${other}`, [...each]);
      for (const other of others) {
        const maps = await here.wait(panelMaps(world, other, batch));
        if (!maps) {
          if (!absent.has(other)) say(`agreement: ${other} cannot explain this network and is left out`);
          absent.add(other);
          continue;
        }
        const each = own.map((map, i) => agreementOnTop(map, maps[i], k));
        note(
          TOP,
          other,
          each.map(({ features }) => features),
        );
        note(
          RANKS,
          other,
          each.map(({ ranks }) => ranks),
        );
        note(
          SIGNS,
          other,
          each.map(({ signs }) => signs),
        );
        note(
          SIGNED_RANKS,
          other,
          each.map(({ signedRanks }) => signedRanks),
        );
        if (image) {
          const sides = domain.shape.slice(1) as [number, number];
          note(
            TOLERANT,
            other,
            own.map((map, i) => tolerantAgreement(map.importance, maps[i].importance, k, sides, settings.reach)),
          );
        }
      }
      let fixed = candidate!.control && candidate!.name !== "random";
      for (let j = 1; j <= settings.seeds; j++) {
        // What is the same under one other seed draws nothing, and is not asked again.
        const again = fixed ? own : await here.wait(signedMaps(world, candidate!, batch, seed + j));
        fixed ||= own.every(({ signed }, i) => signed.every((v, at) => v === again[i].signed[at]));
        note(
          ITSELF,
          `seed ${seed + j}`,
          own.map((map, i) => agreementOnTop(map, again[i], k).features),
        );
      }
      return values;
    }),
  );
  const numbers = [...found].map(([key, values]): AuditNumber => {
    const at = key.indexOf("/");
    return meanNumber(key.slice(0, at), values, key.slice(at + 1));
  });
  if (!numbers.some(({ name }) => name === TOP))
    throw new RefusalError("agreement: no other explainer of the panel can explain this network; name others");
  return { numbers };
}

const defaultTop = (parts: number, image: boolean): number =>
  image ? Math.max(1, Math.round(parts / 10)) : Math.max(1, Math.ceil(parts / 2));

async function signedMaps(
  world: AuditWorld,
  candidate: Candidate,
  batch: AuditBatch,
  seed?: number,
): Promise<SignedMap[]> {
  const here = callerScope();
  const attribution = await here.wait(mapsOf(world, candidate, batch, seed));
  const [sizes, signed] = scope(() => [saliencyMap(attribution), summed(attribution)]);
  const [all, directions] = [await here.wait(sizes.read()), await here.wait(signed.read())];
  const n = batch.x.shape[0];
  const d = all.length / n;
  return Array.from({ length: n }, (_, i) => ({
    importance: Array.from(all.slice(i * d, (i + 1) * d)),
    signed: Array.from(directions.slice(i * d, (i + 1) * d)),
  }));
}

/** Signs of pixels are those of the sum over channels. */
const summed = (attribution: Tensor): Tensor => (attribution.rank === 4 ? sum(attribution, 1) : attribution);

/** Maps of the panel, kept: every candidate is compared with the same ones. */
const kept = new WeakMap<AuditWorld, Map<string, SignedMap[] | undefined>>();

/** undefined where the explainer refuses the network. */
async function panelMaps(world: AuditWorld, name: string, batch: AuditBatch): Promise<SignedMap[] | undefined> {
  const here = callerScope();
  const maps = kept.get(world) ?? new Map<string, SignedMap[] | undefined>();
  kept.set(world, maps);
  const id = `${name}/${batch.from}`;
  if (!maps.has(id)) maps.set(id, await here.wait(explained()));
  return maps.get(id);

  async function explained(): Promise<SignedMap[] | undefined> {
    const here = callerScope();
    try {
      return await here.wait(signedMaps(world, tableCandidate(name, name), batch));
    } catch (error) {
      if (!(error instanceof RefusalError)) throw error;
      return undefined;
    }
  }
}

/** Mean over the members of the panel that both were compared with, sample by sample. */
function overPanel(own: AuditMeasurement, name: string, members: readonly string[]): AuditNumber {
  const all = members.map((member) => numberOf(own, name, member)?.values ?? []);
  const values = (all[0] ?? []).map((_, i) => all.reduce((total, each) => total + each[i], 0) / all.length);
  return meanNumber(name, values);
}

const membersOf = ({ numbers }: AuditMeasurement, name = TOP): string[] =>
  numbers.filter((one) => one.name === name).map(({ setting: member }) => member!);

/** By how much more an explainer agrees with the panel than a control does. */
function lead(own: AuditMeasurement, control: AuditMeasurement, name: string): AuditNumber | undefined {
  const there = membersOf(control, name);
  const members = membersOf(own, name).filter((member) => there.includes(member));
  if (members.length === 0) return undefined;
  return pairedDifference(overPanel(own, name, members), overPanel(control, name, members));
}

function judge(own: AuditMeasurement, controls: Readonly<Record<string, AuditMeasurement>>): AuditJudgement {
  if (!controls.random)
    return {
      verdict: "not tested",
      sentence: "It was not tested against a random map, with which any two explanations agree somewhat.",
      caveats: [],
    };
  const members = membersOf(own);
  const shared = overPanel(own, TOP, members);
  const beaten = (name: string): string[] =>
    Object.entries(controls).flatMap(([control, measured]) => (isAbove(lead(own, measured, name)) ? [] : [control]));
  const equals = beaten(TOP);
  const caveats: string[] = ["agreement is not truth: methods that share an idea agree, and can be wrong together"];
  const names = [...new Set(own.numbers.map(({ name }) => name))].filter((name) => name !== TOP && name !== ITSELF);
  for (const name of names) {
    const alike = beaten(name);
    if (alike.length > 0 && alike.join() !== equals.join())
      caveats.push(`by ${name} it is not clearly ahead of ${alike.map((control) => `"${control}"`).join(", ")}`);
  }
  const least = members.map((member) => numberOf(own, TOP, member)!).reduce((a, b) => (b.value < a.value ? b : a));
  if (members.length > 1 && least.value < shared.value / 2)
    caveats.push(`with ${least.setting} it shares only ${percent(least.value)}`);
  const again = own.numbers.filter(({ name }) => name === ITSELF);
  if (again.some(({ value }) => value < 1)) {
    const worst = again.reduce((a, b) => (b.value < a.value ? b : a));
    caveats.push(`drawn again under another seed it shares ${percent(worst.value)} of the top with itself`);
  }
  const with_ = `${percent(shared.value)} (${percent(shared.low)} to ${percent(shared.high)}) of what it calls most important with ${members.length} other method${members.length > 1 ? "s" : ""}`;
  if (equals.length > 0)
    return {
      verdict: "does not hold",
      sentence: `It shares ${with_}, not clearly more than ${equals.map((name) => `the control "${name}"`).join(" and ")} does.`,
      caveats,
    };
  const ahead = Object.values(controls).map((measured) => lead(own, measured, TOP)!);
  const closest = ahead.reduce((a, b) => (b.low < a.low ? b : a));
  return {
    verdict: "holds",
    sentence: `It shares ${with_}, more than any control does: by a share of ${withInterval(closest)} at least.`,
    caveats,
  };
}

export const agreementRow = auditRow({
  number: 7,
  name: "agreement",
  title: "Agreement and noise",
  question: "Do other methods, and the same one drawn again, say the same?",
  words:
    "The map is compared with those of other explainers: the share of the most important pixels or columns that both have, at the same rank, with the same sign, and both; for " +
    "images also within a pixel, since a shift of one pixel changes nothing for a reader. An explainer that draws random numbers is drawn again under other seeds. It holds " +
    "if it agrees clearly more with the others than every control does. Agreement is not truth: related methods agree with each other, and all may be wrong.",
  source: "Krishna et al. 2022 (2202.01602); 2312.10534 (tolerance); Gan et al. 2022 (MeTFA: noise of the draw)",
  about: "explainer",
  takes: "images and tables",
  options,
  quick: { seeds: 1 },
  check: ({ k }, { domain }) => checkTop(k, domain),
  measure,
  judge,
});
