/** Run as a child process under another driver's environment: sends the adapter's description and its answers. */
import { init, shutdown } from "../../engine/init.js";
import { type Answers, computeAnswers } from "./answers.js";

export interface ChildReport {
  readonly adapter: string;
  readonly answers: Answers;
}

const { description } = await init();
const report: ChildReport = { adapter: description, answers: await computeAnswers() };
shutdown();
process.send!(report, () => process.exit());
