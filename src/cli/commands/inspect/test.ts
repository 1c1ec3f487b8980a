/** `dxt test`: checks the connections and rights of a pipeline. */
import { merge, message, object } from "optique";
import type { TrialResult } from "../../../runner/mod.ts";
import { type Context, omitUndefined } from "../../app/context.ts";
import { openScope, type RunScope, runUntilSignal } from "../../app/connections.ts";
import { EXIT } from "../../terminal/exit_codes.ts";
import { parseLimits } from "../../app/permission_limits.ts";
import { defineCommand } from "../../app/define_command.ts";
import { OPERANDS, pipelineOrStream, readSubject } from "../../app/one_stream.ts";
import * as options from "../../app/options.ts";
import { withPipes } from "../../app/pipes.ts";
import { truncate } from "../../output/terminal_text.ts";
import { countNoun, durationText } from "../../output/format_units.ts";

const parser = merge(
  pipelineOrStream(),
  object("Options", {
    ...options.selection(),
    ...options.inspecting(),
  }),
);

export const test = defineCommand(
  "test",
  parser,
  (values, context) =>
    withPipes(readSubject("test", values), context, (scope) => testStreams(scope, context)),
  {
    operands: OPERANDS,
    brief: message`Check the connections and rights of a pipeline, moving nothing`,
    description:
      message`Opens both connections, prints the server versions and the time taken, and checks what a run checks before it reads a row: whether each selected stream can be read, and its target be created or written and take the fields. Prints one line per check, with all problems found.`,
    examples: [
      "dxt test shop.yaml",
      "dxt test shop.yaml --select orders --quiet",
      "dxt test --from '${SHOP_URL}' --source public.orders --to orders.db",
    ],
  },
);

async function testStreams(scope: RunScope, context: Context): Promise<number> {
  const { printer } = context;
  const { select, exclude } = scope;
  const loaded = await openScope(scope, context);
  const { admitPipeline, testPipeline } = await import("../../../runner/mod.ts");
  return await runUntilSignal(context, async (signal) => {
    const limits = parseLimits(scope);
    const use = { purpose: "look", ...omitUndefined({ select, exclude }), limits } as const;
    const mayExplore = await admitPipeline(loaded, use);
    const results = await testPipeline(loaded, {
      mayExplore,
      ...omitUndefined({ select, exclude }),
      signal,
      onResult: (result) => {
        if (printer.format === "text") printCheck(result, context);
        if (printer.format === "ndjson") printer.json(result);
      },
    });
    const failed = results.filter(({ problems }) => problems.length > 0).length;
    if (printer.format === "json") {
      const status = failed === 0 ? "passed" : "failed";
      printer.json({ pipeline: loaded.pipeline.name, status, checks: results });
    } else {
      printer.progress(
        loaded.pipeline.name,
        `${countNoun(results.length - failed, "check")} passed, ${failed} failed`,
      );
    }
    return failed === 0 ? EXIT.done : EXIT.failed;
  });
}

const CHECK_WIDTH = 6;
const WIDEST_STREAM = 32;

function printCheck(
  { check, stream, subject, problems, ms }: TrialResult,
  { printer }: Context,
): void {
  const failed = problems.length > 0;
  const name = stream === undefined ? "" : `${truncate(stream, WIDEST_STREAM)}: `;
  const time = stream === undefined ? ` (${durationText(ms)})` : "";
  const detail = failed ? `: ${problems.join("; ").replace(/\s*\n\s*/g, " ")}` : "";
  const head = `${failed ? "failed" : "ok    "}  ${check.padEnd(CHECK_WIDTH)}  `;
  printer.paragraph(`${head}${name}${subject}${time}${detail}`, head.length);
}
