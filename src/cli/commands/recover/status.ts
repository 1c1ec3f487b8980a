/** `dxt status`: shows what runs keep or left, and the command that goes on. */
import { merge, message, object } from "optique";
import type { StoredEntry } from "../../../models/stored.ts";
import { commandText } from "../../app/command_text.ts";
import type { Context } from "../../app/context.ts";
import { runUntilSignal } from "../../app/connections.ts";
import { defineCommand } from "../../app/define_command.ts";
import * as options from "../../app/options.ts";
import { openSurvey, pipelineOrFolder, type StoredOptions } from "../../app/stored/survey.ts";
import { printStatus } from "../../output/stored_table.ts";
import { EXIT } from "../../terminal/exit_codes.ts";

const parser = merge(
  object({ pipeline: pipelineOrFolder() }),
  object("Options", {
    ...options.selection(),
    ...options.inspecting(),
  }),
);

export const status = defineCommand(
  "status",
  parser,
  showStatus,
  {
    operands: "[PIPELINE]",
    brief: message`Show what runs keep or left, and the command that goes on`,
    description:
      message`Lists stages that are complete but not loaded, loads whose outcome is not known, with what the target says of them, locks with the runs that hold them, and what killed runs left on disk and beside the targets. Takes no lock, and changes nothing.`,
    examples: [
      "dxt status shop.yaml",
      "dxt status",
      "dxt status shop.yaml --output json",
    ],
  },
);

async function showStatus(chosen: StoredOptions, context: Context): Promise<number> {
  const { printer } = context;
  return await runUntilSignal(context, async (signal) => {
    await using survey = await openSurvey(chosen, false, context, signal);
    const entries = survey.items.map(({ entry }) => withCommand(entry, chosen));
    printer.results({
      name: "entries",
      entries,
      about: { problems: survey.problems },
      table: () => {
        if (entries.length > 0) printStatus(entries, printer);
        else if (survey.problems.length === 0) {
          printer.progress("status", "no run keeps or left anything");
        }
      },
    });
    for (const problem of survey.problems) printer.error(problem);
    return survey.problems.length === 0 ? EXIT.done : EXIT.failed;
  });
}

/** Adds the command that goes on; an entry that a run uses has none. */
function withCommand(entry: StoredEntry, chosen: StoredOptions) {
  const { pipeline = "PIPELINE" } = chosen;
  const onStream = (name: string) => commandText(name, pipeline, [entry.stream!], chosen);
  const clean = ["dxt clean", ...(chosen.pipeline === undefined ? [] : [pipeline]), "--yes"];
  const command = {
    "in use": undefined,
    // The letters of a load in doubt are settled with it, or with the next run.
    "in doubt": entry.outcome === "running"
      ? undefined
      : onStream(entry.kind === "letters" ? "run" : "load"),
    staged: onStream("load"),
    // Of what some parts are complete, an extraction may take them up.
    incomplete: entry.rows === undefined ? clean.join(" ") : onStream("extract"),
    unusable: onStream("extract"),
    abandoned: entry.problem === undefined ? clean.join(" ") : undefined,
    rejected: onStream("dlq show"),
  }[entry.state];
  return command === undefined ? entry : { ...entry, command };
}
