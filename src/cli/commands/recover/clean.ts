/** `dxt clean`: lists what killed runs left, and removes it. */
import { type InferValue, merge, message, object, option } from "optique";
import { ConfigurationError } from "../../../core/errors.ts";
import type { CleanedEntry } from "../../../models/stored.ts";
import type { Context } from "../../app/context.ts";
import { runUntilSignal } from "../../app/connections.ts";
import { defineCommand } from "../../app/define_command.ts";
import * as options from "../../app/options.ts";
import { openSurvey, pipelineOrFolder } from "../../app/stored/survey.ts";
import { bytesText } from "../../output/format_units.ts";
import { printCleaned } from "../../output/stored_table.ts";
import { EXIT } from "../../terminal/exit_codes.ts";
import { parseDuration } from "../../terminal/global_options.ts";

const parser = merge(
  object({ pipeline: pipelineOrFolder() }),
  object("Options", {
    yes: option("-y", "--yes", {
      description: message`Remove it; without this, only list what would be removed`,
    }),
    olderThan: options.textOption(
      "--older-than",
      "DURATION",
      message`Only what was last written 12h, 7d … ago or earlier`,
    ),
    staged: option("--staged", {
      description:
        message`Also stages that are complete, and could be loaded by this or another version`,
    }),
    inDoubt: option("--in-doubt", {
      description:
        message`Also stages whose load is in doubt: afterwards a repeated append may add its rows twice`,
    }),
    ...options.selection(),
    ...options.inspecting(),
  }),
);

type CleanOptions = InferValue<typeof parser>;

export const clean = defineCommand(
  "clean",
  parser,
  cleanUp,
  {
    operands: "[PIPELINE]",
    brief: message`List what killed runs left, and remove it with --yes`,
    description:
      message`Removes stages whose extraction was killed, folders of pipes and of copies, and what killed loads left beside the targets of a pipeline. Keeps what a run uses, complete stages, and all that dxt did not write.`,
    examples: [
      "dxt clean shop.yaml",
      "dxt clean shop.yaml --older-than 7d --yes",
      "dxt clean shop.yaml --staged --yes",
    ],
  },
);

async function cleanUp(chosen: CleanOptions, context: Context): Promise<number> {
  const { printer } = context;
  const { yes, staged, inDoubt, olderThan } = chosen;
  const olderThanMs = olderThan === undefined ? undefined : parseAge(olderThan);
  return await runUntilSignal(context, async (signal) => {
    await using survey = await openSurvey(chosen, yes, context, signal);
    const { cleanSurvey } = await import("../../../runner/mod.ts");
    const entries = await cleanSurvey(survey, { olderThanMs, staged, inDoubt }, yes, signal);
    printer.results({
      name: "entries",
      entries,
      about: { problems: survey.problems },
      table: () => {
        if (entries.length > 0) printCleaned(entries, printer);
      },
    });
    if (entries.length > 0 || survey.problems.length === 0) {
      printer.progress("clean", describeSum(entries));
    }
    for (const problem of survey.problems) printer.error(problem);
    const failed = survey.problems.length > 0 || entries.some(({ action }) => action === "failed");
    return failed ? EXIT.failed : EXIT.done;
  });
}

/** @throws {ConfigurationError} when it is not a duration */
function parseAge(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  throw new ConfigurationError(
    `Cannot use --older-than "${text}": expected a duration such as 12h or 7d`,
  );
}

function describeSum(entries: readonly CleanedEntry[]): string {
  if (entries.length === 0) return "no run left anything";
  const removed = entries.filter(({ action }) => action === "removed");
  const removable = entries.filter(({ action }) => action === "would be removed");
  const chosen = removable.length > 0 ? removable : removed;
  const bytes = bytesText(chosen.reduce((sum, { bytes = 0 }) => sum + bytes, 0));
  const count = `${chosen.length} of ${entries.length}`;
  return removable.length > 0
    ? `${count} would be removed, ${bytes}; --yes removes them`
    : `${count} removed, ${bytes}`;
}
