/** `dxt diff`: compares the rows of source and target. */
import { integer, merge, message, object, option, optional } from "optique";
import type { PipelineDiff } from "../../../runner/mod.ts";
import { type Context, omitUndefined } from "../../app/context.ts";
import { openScope, type RunScope, runUntilSignal } from "../../app/connections.ts";
import { defineCommand } from "../../app/define_command.ts";
import { OPERANDS, pipelineOrStream, readSubject } from "../../app/one_stream.ts";
import * as options from "../../app/options.ts";
import { parseLimits } from "../../app/permission_limits.ts";
import { withPipes } from "../../app/pipes.ts";
import { formatDiff, formatStreamDiff, printStreamDiff } from "../../output/diff_report.ts";
import { EXIT } from "../../terminal/exit_codes.ts";

const MOST_SHOWN = 100_000;
const DEFAULT_SHOWN = 20;

const parser = merge(
  pipelineOrStream(),
  object("Options", {
    ...options.selection(),
    limit: optional(option("--limit", integer({ metavar: "N", min: 1, max: MOST_SHOWN }), {
      description: message`Show at most N differences of each kind, all are counted (default: 20)`,
    })),
    ...options.inspecting(),
  }),
);

export const diff = defineCommand(
  "diff",
  parser,
  ({ keys, ...values }, context) =>
    withPipes(
      { ...readSubject("diff", { ...values, keys: [] }), keys },
      context,
      (scope) => showDiff(scope, context),
    ),
  {
    operands: OPERANDS,
    brief: message`Compare the rows of source and target, and show those that differ`,
    description:
      message`Reads both sides and compares every value that a run would load, in constant memory. Rows are identified by --key, else by the stream's upsert_keys, else by the primary key of the source or the target. Of an incremental stream, rows above the target's watermark are not loaded yet and count as no difference. Changes nothing; exit code 4 means that rows differ.`,
    examples: [
      "dxt diff shop.yaml",
      "dxt diff shop.yaml --select orders --limit 1000",
      "dxt diff shop.yaml --output json",
      "dxt diff --from '${SHOP_URL}' --source public.orders --to ./orders.parquet --key order_id",
    ],
  },
);

async function showDiff(
  scope: RunScope & { readonly keys: readonly string[] },
  context: Context,
): Promise<number> {
  const { printer } = context;
  const { select, exclude, keys, limit: most = DEFAULT_SHOWN } = scope;
  const loaded = await openScope(scope, context);
  const { admitPipeline, diffPipeline } = await import("../../../runner/mod.ts");
  return await runUntilSignal(context, async (signal) => {
    const selection = omitUndefined({ select, exclude });
    const limits = parseLimits(scope);
    const mayExplore = await admitPipeline(loaded, { purpose: "look", ...selection, limits });
    const result = await diffPipeline(loaded, {
      ...{ ...selection, keys, most, mayExplore, signal },
      onStream(stream) {
        if (printer.format === "text") printStreamDiff(stream, printer);
        if (printer.format === "ndjson") printer.document(formatStreamDiff(stream, printer));
      },
    });
    if (printer.format === "json") printer.document(formatDiff(result, printer));
    return chooseExitCode(result);
  });
}

/** A difference takes precedence over a stream that could not be compared. */
function chooseExitCode({ status, streams }: PipelineDiff): number {
  if (status !== "failed") return status === "different" ? EXIT.mismatch : EXIT.done;
  return streams.every((stream) => stream.status === "failed") ? EXIT.failed : EXIT.someFailed;
}
