/** `dxt replay`: runs a pipeline on its fixture, into an embedded target, without network. */
import { resolve } from "node:path";
import { argument, type InferValue, merge, message, object, optional, string } from "optique";
import { ConfigurationError, messageOf } from "../../../core/errors.ts";
import type { Fixture, RepeatedStream, ReplayResult } from "../../../runner/mod.ts";
import type { RunResult } from "../../../models/result.ts";
import { runUntilSignal } from "../../app/connections.ts";
import { type Context, omitUndefined } from "../../app/context.ts";
import { defineCommand } from "../../app/define_command.ts";
import { chooseFixtureFolder, openDetached } from "../../app/fixtures.ts";
import * as options from "../../app/options.ts";
import { executePhase } from "../../app/run_phase.ts";
import { countNoun, countText } from "../../output/format_units.ts";
import type { Printer } from "../../output/printer.ts";
import { printSummary } from "../../output/run/summary.ts";
import { EXIT, runExitCode } from "../../terminal/exit_codes.ts";

const parser = merge(
  object({
    pipeline: options.pipeline(),
    folder: optional(argument(string({ metavar: "FOLDER" }), {
      description: message`Folder of the fixture (default: fixtures/NAME beside the pipeline)`,
    })),
  }),
  object("Options", {
    ...options.selection(),
    keep: options.textOption(
      "--keep",
      "FOLDER",
      message`Keep the loaded target in this folder, which must be new or empty (default: a temporary one)`,
    ),
    ...options.imports(),
    ...options.logging(),
    ...options.outputOptions(),
  }),
);

type ReplayOptions = InferValue<typeof parser>;

export const replay = defineCommand(
  "replay",
  parser,
  replayFixture,
  {
    operands: "PIPELINE [FOLDER]",
    brief: message`Run a pipeline on its fixture, into a temporary target, without network`,
    description:
      message`Runs all steps of a pipeline on the rows that dxt record kept: fields, transforms, expectations, schema and load mode, into a SQLite database, or into files where the pipeline writes files. Needs no variable, login or network. Streams that replace, upsert or read what is new run twice: exit code 4 means that the second run changed the target.`,
    examples: [
      "dxt replay shop.yaml",
      "dxt replay shop.yaml fixtures/orders --select orders",
      "dxt replay shop.yaml --keep out --output json",
    ],
  },
);

async function replayFixture(values: ReplayOptions, context: Context): Promise<number> {
  const { pipeline: path, select, exclude, keep } = values;
  const { printer } = context;
  const named = await openDetached(path, values, context);
  const folder = values.folder ?? chooseFixtureFolder(path, named);
  const { chooseStandIns, openReplay, readFixture, repeatRun } = await import(
    "../../../runner/mod.ts"
  );
  const fixture = await readFixture(folder);
  if (fixture === undefined) {
    throw new ConfigurationError(
      `Cannot replay "${path}": "${folder}" is no fixture, dxt record writes one`,
    );
  }
  await using work = await openWork(keep);
  const places = { fixture: resolve(folder), work: work.path };
  const standIns = chooseStandIns(fixture, places);
  const loaded = await openReplay(
    await openDetached(path, values, context, standIns),
    fixture,
    places,
    { pipeline: path, folder },
    omitUndefined({ select, exclude }),
  );
  return await runUntilSignal(context, async (signal, interruption) => {
    const running = { ...values, vars: [], failFast: false, select: undefined, exclude: undefined };
    const repair = { loaded, only: new Map() };
    const result = await executePhase("run", { ...running, repair }, context, signal, (done) => {
      if (printer.format === "text") printSummary(done, "run", printer);
    });
    const repeated = signal.aborted ? [] : await repeatRun(loaded, result, signal);
    print(describeReplay(result, fixture, folder, standIns.target["provider"]!, repeated), printer);
    if (result.status !== "succeeded") return runExitCode(result, interruption.received);
    if (repeated.some(({ repeat }) => repeat === "failed")) return EXIT.failed;
    return repeated.some(({ repeat }) => repeat === "different") ? EXIT.mismatch : EXIT.done;
  });
}

/** The folder of target and stage; a temporary one is removed when it is disposed of. */
async function openWork(keep: string | undefined): Promise<AsyncDisposable & { path: string }> {
  if (keep === undefined) {
    const path = await Deno.makeTempDir({ prefix: "dxt-replay-" });
    return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
  }
  const refuse = (detail: string, cause?: unknown) =>
    new ConfigurationError(`Cannot keep the target in "${keep}": ${detail}`, { cause });
  try {
    await Deno.mkdir(keep, { recursive: true });
    for await (const { name } of Deno.readDir(keep)) {
      throw refuse(`it has "${name}", expected a new or empty folder`);
    }
  } catch (error) {
    throw error instanceof ConfigurationError ? error : refuse(messageOf(error), error);
  }
  return { path: resolve(keep), [Symbol.asyncDispose]: () => Promise.resolve() };
}

function describeReplay(
  result: RunResult,
  { recorded_at, dxt }: Fixture,
  folder: string,
  target: string,
  repeated: RepeatedStream[],
): ReplayResult {
  return { ...result, fixture: { folder, recorded_at, dxt }, target, repeated };
}

const OUTCOMES: Readonly<Record<RepeatedStream["repeat"], string>> = {
  same: "same rows",
  different: "other rows",
  failed: "failed",
  skipped: "not repeated",
};

function print(result: ReplayResult, printer: Printer): void {
  if (printer.format !== "text") return printer.json(result);
  const { pipeline, fixture, target, repeated } = result;
  if (repeated.length > 0) {
    printer.table(
      [{ title: "stream" }, { title: "in target", align: "right" }, { title: "second run" }, {
        title: "",
      }],
      repeated.map(({ stream, rows, repeat, detail }) => [
        { text: stream },
        { text: countText(rows) },
        printer.colorCell(
          OUTCOMES[repeat],
          repeat === "same" ? "green" : repeat === "skipped" ? "dim" : "red",
        ),
        detail ?? "",
      ]),
    );
  }
  printer.progress(
    pipeline,
    `${countNoun(result.streams.length, "stream")} replayed into ${target} on the fixture of ${
      fixture.recorded_at.slice(0, 10)
    } in "${fixture.folder}"`,
  );
}
