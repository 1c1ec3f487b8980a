/** `dxt diff`: compares the rows of source and target, and repairs those that differ. */
import { type InferValue, integer, merge, message, object, option, optional } from "optique";
import type { LoadedPipeline } from "../../../config/mod.ts";
import { ConfigurationError } from "../../../core/errors.ts";
import type { RunResult } from "../../../models/result.ts";
import type { PipelineDiff } from "../../../runner/mod.ts";
import { type Context, omitUndefined } from "../../app/context.ts";
import { openScope, runUntilSignal } from "../../app/connections.ts";
import { defineCommand } from "../../app/define_command.ts";
import { OPERANDS, pipelineOrStream, readSubject, type Subject } from "../../app/one_stream.ts";
import * as options from "../../app/options.ts";
import { parseLimits } from "../../app/permission_limits.ts";
import { isPipe, withPipes } from "../../app/pipes.ts";
import { executePhase } from "../../app/run_phase.ts";
import { formatDiff, formatStreamDiff, printStreamDiff } from "../../output/diff_report.ts";
import { ScanProgress } from "../../output/run/scan_progress.ts";
import { printSummary } from "../../output/run/summary.ts";
import { EXIT, runExitCode } from "../../terminal/exit_codes.ts";

const MOST_SHOWN = 100_000;
const DEFAULT_SHOWN = 20;

const ownOptions = () => ({
  ...options.selection(),
  limit: optional(option("--limit", integer({ metavar: "N", min: 1, max: MOST_SHOWN }), {
    description: message`Show at most N differences of each kind; all are counted (default: 20)`,
  })),
  repair: option("--repair", {
    description:
      message`Upsert the rows that are only in the source or changed, then compare again`,
  }),
  delete: option("--delete", {
    description:
      message`With --repair, also delete or mark the rows that are only in the target, as load.deletes of the stream says`,
  }),
  wait: options.wait(),
  retries: options.retries(),
  ...options.logging(),
  ...options.inspecting(),
});

const parser = merge(pipelineOrStream(), object("Options", ownOptions()));

type DiffOptions = Omit<InferValue<typeof parser>, "pipeline"> & Subject;

export const diff = defineCommand(
  "diff",
  parser,
  ({ keys, ...values }, context) => {
    const subject = readSubject("diff", { ...values, keys: [] });
    if (isPipe(subject.stream?.to)) {
      throw new ConfigurationError(
        "Cannot compare with stdout: nothing can be read from it, expected --to with a connection or a file",
      );
    }
    return withPipes({ ...subject, keys }, context, (chosen) => showDiff(chosen, context));
  },
  {
    operands: OPERANDS,
    brief: message`Compare the rows of source and target, and show those that differ`,
    description:
      message`Reads both sides and compares every value that a run would load, in constant memory. Rows are identified by --key, else by the stream's upsert_keys, else by the primary key of the source or the target. Of an incremental stream, rows above the target's watermark are not loaded yet and count as no difference. Exit code 4 means that rows differ. Changes nothing without --repair, which keeps rows that are only in the target unless --delete is set.`,
    examples: [
      "dxt diff shop.yaml",
      "dxt diff shop.yaml --select orders --limit 1000",
      "dxt diff shop.yaml --output json",
      "dxt diff shop.yaml --select orders --repair",
      "dxt diff shop.yaml --repair --delete",
      "dxt diff --from '${SHOP_URL}' --source public.orders --to ./orders.parquet --key order_id",
    ],
  },
);

type Chosen =
  & Pick<DiffOptions, keyof ReturnType<typeof ownOptions>>
  & Pick<DiffOptions, "keys">
  & Subject;

async function showDiff(chosen: Chosen, context: Context): Promise<number> {
  const { printer } = context;
  const { select, exclude, keys, repair, delete: deletes, limit: most = DEFAULT_SHOWN } = chosen;
  if (deletes && !repair) {
    throw new ConfigurationError(
      "Cannot delete rows that are only in the target: --delete is part of a repair, expected --repair",
    );
  }
  const loaded = await openScope(chosen, context);
  const { admitPipeline, diffPipeline, planRepair } = await import("../../../runner/mod.ts");
  return await runUntilSignal(context, async (signal) => {
    const selection = omitUndefined({ select, exclude });
    const limits = parseLimits(chosen);
    const purpose = repair ? "run" : "look";
    const mayExplore = await admitPipeline(loaded, { purpose, ...selection, limits });
    const compare = async (loaded: LoadedPipeline, repairs: boolean) => {
      using progress = new ScanProgress(printer);
      return await diffPipeline(loaded, {
        ...{ ...selection, keys, most, repairs, mayExplore, signal },
        onRows: (stream, rows) => progress.onRows(stream, rows),
        onStream(stream) {
          progress.clear();
          if (printer.format === "text") printStreamDiff(stream, printer);
          if (printer.format === "ndjson") printer.document(formatStreamDiff(stream, printer));
        },
      });
    };
    const first = await compare(loaded, repair);
    const planned = repair ? await planRepair(loaded, first, { deletes, signal }) : undefined;
    if (planned === undefined) return finish(first, undefined, context);
    const { select: _select, exclude: _exclude, limit: _limit, delete: _, ...running } = chosen;
    const options = { ...running, failFast: false, repair: planned };
    const run = await executePhase("run", options, context, signal, (result) => {
      if (printer.format === "text") printSummary(result, "run", printer);
    });
    return finish(await compare(loaded, false), run, context);
  });
}

/** Prints the last comparison as JSON where that is wanted, and returns the exit code. */
function finish(result: PipelineDiff, run: RunResult | undefined, { printer }: Context): number {
  if (printer.format === "json") printer.document(formatDiff(result, run, printer));
  if (run !== undefined && run.status !== "succeeded") return runExitCode(run);
  return chooseExitCode(result);
}

/** A difference takes precedence over a stream that could not be compared. */
function chooseExitCode({ status, streams }: PipelineDiff): number {
  if (status !== "failed") return status === "different" ? EXIT.mismatch : EXIT.done;
  return streams.every((stream) => stream.status === "failed") ? EXIT.failed : EXIT.someFailed;
}
