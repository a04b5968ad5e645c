/** People who were made up: a table like those of courts, drawn from a seed. Nobody in it exists. */

export const SENSITIVE = "group";
export const TARGET = "arrested again";

/** Evenly distributed numbers in [0,1) from a seed, by a mixing function of a counter (Salmon et al. 2011). */
function drawn(seed: number): () => number {
  let counter = 0;
  return () => {
    let h = (seed ^ 0x9e3779b9) + Math.imul(++counter, 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 16), 0x21f0aaad);
    h = Math.imul(h ^ (h >>> 15), 0x735a2d97);
    return ((h ^ (h >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** Comma-separated values of `count` people. Their group goes along with arrests, as the records of unequal policing do; the date
 *  of the hearing says nothing. */
export function peopleCsv({ count, seed }: { readonly count: number; readonly seed: number }): string {
  const next = drawn(seed);
  const whole = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1));
  const lines = Array.from({ length: count }, () => {
    const group = next() < 0.5 ? "A" : "B";
    const age = whole(18, 30) + whole(0, 20) + whole(0, 20);
    const priors = Math.floor(-Math.log(1 - next()) * (group === "B" ? 3.4 : 2));
    const charge = next() < 0.6 ? "felony" : "misdemeanour";
    const juvenile = next() < 0.25 ? whole(1, 3) : 0;
    const days = Math.floor(-Math.log(1 - next()) * (6 + 2 * priors));
    const sex = next() < 0.8 ? "male" : "female";
    const court = whole(1, 12);
    const even = next() < 0.5 ? "even" : "odd";
    const risk = 0.25 * priors + 0.3 * juvenile - 0.04 * (age - 30) + (group === "B" ? 0.5 : 0) - 1;
    const again = next() < 1 / (1 + Math.exp(-risk)) ? "yes" : "no";
    return [age, sex, group, priors, juvenile, charge, days, court, even, again].join(",");
  });
  const header = "age,sex,group,priors,juvenile offences,charge,days held,courtroom,date of hearing,arrested again";
  return [header, ...lines].join("\n");
}
