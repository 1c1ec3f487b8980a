/** `dxt runs`: lists runs by their receipts. */
import { type InferValue, integer, merge, message, object, option, optional } from "optique";
import type { Context } from "../../app/context.ts";
import { defineCommand } from "../../app/define_command.ts";
import * as options from "../../app/options.ts";
import { openReceipts, placeArgument } from "../../app/stored/receipts.ts";
import { printRuns } from "../../output/runs_table.ts";
import { EXIT } from "../../terminal/exit_codes.ts";

const parser = merge(
  object({ place: placeArgument() }),
  object("Options", {
    limit: optional(option("--limit", integer({ metavar: "N", min: 1 }), {
      description: message`Show the latest N runs (default: 20)`,
    })),
    ...options.reading(),
  }),
);

type RunsOptions = InferValue<typeof parser>;

export const runs = defineCommand(
  "runs",
  parser,
  listRuns,
  {
    operands: "[PLACE]",
    brief: message`List past runs from their receipts`,
    description:
      message`Lists the latest runs: when each began, its outcome, streams, rows and time, and what was compared with the target. A run writes a receipt if "logging.receipts" of the project or --receipts names a folder.`,
    examples: [
      "dxt runs shop.yaml",
      "dxt runs /var/lib/dxt/receipts --limit 100",
      "dxt runs shop.yaml --output json",
    ],
  },
);

async function listRuns(
  { limit = 20, ...chosen }: RunsOptions,
  context: Context,
): Promise<number> {
  const { printer } = context;
  const { found } = await openReceipts(chosen, context);
  const receipts = found.flatMap((one) => "receipt" in one ? [one] : []);
  const problems = found.flatMap((one) => "problem" in one ? [one] : []);
  const latest = receipts.slice(0, limit);
  printer.results({
    name: "runs",
    entries: latest.map(({ path, receipt }) => ({ path, ...receipt })),
    about: { problems: problems.map(({ path, problem }) => `"${path}": ${problem}`) },
    table: () => {
      if (latest.length > 0) printRuns(latest.map(({ receipt }) => receipt), printer);
      else if (problems.length === 0) printer.progress("runs", "no run has written a receipt here");
    },
  });
  for (const { path, problem } of problems) {
    printer.error(`Cannot read the receipt "${path}": ${problem}`);
  }
  return problems.length === 0 ? EXIT.done : EXIT.failed;
}
