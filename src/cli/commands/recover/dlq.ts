/** `dxt dlq`: lists, shows, retries and removes rejected rows. */
import { argument, choice, type InferValue, merge, message, object, option } from "optique";
import type { FoundLetters } from "../../../integrity/dead_letters.ts";
import { type Context, omitUndefined, openPipeline } from "../../app/context.ts";
import { runUntilSignal } from "../../app/connections.ts";
import { defineCommand } from "../../app/define_command.ts";
import * as options from "../../app/options.ts";
import { parseLimits } from "../../app/permission_limits.ts";
import { printLetters, printRows, type ShownRow } from "../../output/letters_table.ts";
import { EXIT } from "../../terminal/exit_codes.ts";

const ACTIONS = ["list", "show", "retry", "drop"] as const;

const parser = merge(
  object({
    action: argument(choice(ACTIONS, { metavar: "ACTION" }), {
      description:
        message`list: files of rejected rows; show: the rows; retry: load them again; drop: remove the files`,
    }),
    pipeline: options.pipeline(),
  }),
  object("Options", {
    runId: options.textOption(
      "--run",
      "ID",
      message`Only rows that this run rejected: its id, or the first characters of it`,
    ),
    yes: option("-y", "--yes", {
      description: message`With drop: remove the files; without this, only list them`,
    }),
    force: option("--force", {
      description:
        message`With retry: also load rows of an upsert, although they may be older than those of the target`,
    }),
    ...options.selection(),
    ...options.inspecting(),
  }),
);

type LetterOptions = InferValue<typeof parser>;

export const dlq = defineCommand(
  "dlq",
  parser,
  handleLetters,
  {
    operands: "ACTION PIPELINE",
    brief: message`List, show, retry or drop rejected rows`,
    description:
      message`Dead letters are the rows that were rejected while a key of "error_handling" is skip. retry loads those that a target refused as any stage is loaded, with the same proof, into the target as it is now: rows that it refuses again become letters of the new load. Rows that were never staged stay. show prints values of the rows.`,
    examples: [
      "dxt dlq list shop.yaml",
      "dxt dlq show shop.yaml --select orders",
      "dxt dlq retry shop.yaml --run 5f0c21aa",
      "dxt dlq drop shop.yaml --yes",
    ],
  },
);

async function handleLetters(chosen: LetterOptions, context: Context): Promise<number> {
  const { action, runId = "", select, exclude } = chosen;
  const loaded = await openPipeline(chosen.pipeline, chosen, context);
  const runner = await context.engine.runner();
  const { findLetters } = await import("../../../runner/stored/dead_letters.ts");
  const selection = omitUndefined({ select, exclude });
  const purpose = action === "retry" ? "load" : "recover";
  await runner.admitPipeline(loaded, { purpose, ...selection, limits: parseLimits(chosen) });
  const found = (await findLetters(loaded, selection)).filter(({ header }) =>
    header.run_id.startsWith(runId)
  );
  if (found.length === 0 && action !== "show") {
    context.printer.progress("dlq", "there are no dead letters");
  }
  switch (action) {
    case "list":
      return listFiles(found, {}, context);
    case "show":
      return await showRows(found, context);
    case "drop":
      return await dropFiles(found, chosen, context);
    case "retry":
      return await runUntilSignal(context, async (signal) => {
        const { checkRetry, retryLetters } = await import(
          "../../../runner/stored/dead_letters.ts"
        );
        if (!chosen.force) await checkRetry(loaded, found);
        let failed = false;
        const entries = [];
        for (const letters of found) {
          const { unstaged } = letters;
          if (unstaged > 0) {
            context.printer.progress(
              letters.header.stream,
              `${unstaged} of ${letters.rows} rows were never staged and stay: correct their source or the fields of the stream, and run it again`,
            );
          }
          if (unstaged === letters.rows) continue;
          const { status, rows_loaded, rows_rejected, error } = await retryLetters(
            loaded,
            letters,
            (pipeline, run) => runner.runPipeline(pipeline, { ...run, onEvent: () => {} }),
            signal,
          );
          failed ||= status !== "succeeded";
          if (error !== undefined) context.printer.error(error.message);
          const loads = { rows_loaded, rows_rejected: rows_rejected ?? 0 };
          entries.push({ ...describeFile(letters), status, ...loads, error });
          context.printer.progress(
            letters.header.stream,
            `${status}: ${rows_loaded} of ${
              letters.rows - unstaged
            } rows loaded, ${loads.rows_rejected} rejected`,
          );
        }
        context.printer.results({ name: "letters", entries, about: {}, table: () => {} });
        return failed ? EXIT.failed : EXIT.done;
      });
  }
}

function describeFile(letters: FoundLetters) {
  const { path, header, rows, unstaged, bytes, reasons, isInDoubt } = letters;
  const { pipeline, stream, run_id, at } = header;
  const state = isInDoubt ? "in doubt" : "rejected";
  return { path, pipeline, stream, run_id, at, rows, unstaged, bytes, reasons, state };
}

function listFiles(found: readonly FoundLetters[], more: object, { printer }: Context): number {
  printer.results({
    name: "letters",
    about: {},
    entries: found.map((letters) => ({ ...describeFile(letters), ...more })),
    table: () => {
      if (found.length > 0) printLetters(found, printer);
    },
  });
  return EXIT.done;
}

async function showRows(found: readonly FoundLetters[], { printer }: Context): Promise<number> {
  const { readLetters } = await import("../../../integrity/dead_letters.ts");
  const entries: ShownRow[] = [];
  for (const { path, header } of found) {
    const { stream, run_id } = header;
    for await (const letter of readLetters(path)) entries.push({ stream, run_id, ...letter });
  }
  const table = () => printRows(entries, printer);
  printer.results({ name: "rows", entries, about: {}, table });
  return EXIT.done;
}

async function dropFiles(
  found: readonly FoundLetters[],
  { yes }: LetterOptions,
  context: Context,
): Promise<number> {
  const { removeLetters } = await import("../../../integrity/dead_letters.ts");
  if (yes) { for (const { path } of found) removeLetters(path); }
  const code = listFiles(found, { action: yes ? "removed" : "would be removed" }, context);
  if (found.length > 0) {
    context.printer.progress(
      "dlq",
      yes
        ? `${found.length} files removed`
        : `${found.length} would be removed; --yes removes them`,
    );
  }
  return code;
}
