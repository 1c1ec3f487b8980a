/** Entry of the command line. It answers simple requests itself and passes others to a command. */
import { ENGINE, type Engine } from "./app/engine.ts";
import { errorExitCode, EXIT } from "./terminal/exit_codes.ts";
import { cachedHelp } from "./help/cached_help.ts";
import type { IO } from "./terminal/stdio.ts";
import { checkRuntime } from "./terminal/preflight.ts";
import { VERSION } from "./terminal/global_options.ts";
import { parseFast } from "./fast_parse.ts";
import { Printer } from "./output/printer.ts";
import { readVerbosity } from "./terminal/verbosity.ts";

export type { Engine } from "./app/engine.ts";
export { type IO, type Output, processIO, type Signal } from "./terminal/stdio.ts";

/** Imported lazily: loading the option parser takes three times as long as everything before it. */
const parse: typeof import("./parse.ts").parseArguments = async (...args) =>
  (await import("./parse.ts")).parseArguments(...args);

/** Turns `dxt help`, `dxt help run` and `dxt version` into their options, as other programs do. */
function withOptionNames(words: readonly string[]): readonly string[] {
  if (words[0] === "help" && words.length <= 2) return [...words.slice(1), "--help"];
  return words[0] === "version" ? ["--version", ...words.slice(1)] : words;
}

/** Runs the command line and returns the exit code. Prints every error; never throws. */
export async function main(
  words: readonly string[],
  io: IO,
  engine: Engine = ENGINE,
): Promise<number> {
  const args = withOptionNames(words);
  let printer = new Printer(io, readVerbosity(args, io.env));
  // An error that a driver leaves uncaught must print neither its stack nor a secret.
  using _ = io.onCrash((error) => {
    printer.failure(error);
    printer.failedResult("failed", error);
    io.exit(EXIT.failed);
  });
  try {
    const asksVersion = VERSION.some((name) => name === args[0]);
    if (asksVersion && (args.length === 1 || printer.format !== "text")) {
      if (printer.format === "text") printer.result(io.version);
      else printer.json({ version: io.version });
      return EXIT.done;
    }
    const help = args.length === 0
      ? await cachedHelp(["--help"], io.env, io.stderr)
      : await cachedHelp(args, io.env, io.stdout);
    if (help !== undefined) {
      (args.length === 0 ? io.stderr : io.stdout).write(help);
      return args.length === 0 ? EXIT.usage : EXIT.done;
    }
    if (args[0] === "completions" && args[1] === "--words") {
      const { completionLines } = await import("./help/complete.ts");
      io.stdout.write(await completionLines(args.slice(2)));
      return EXIT.done;
    }
    if (args[0] === "completions" && args.length === 2) {
      const { SCRIPTS } = await import("./help/completion_scripts.ts");
      const script = Object.entries(SCRIPTS).find(([shell]) => shell === args[1])?.[1];
      if (script !== undefined) {
        io.stdout.write(script);
        return EXIT.done;
      }
    }
    const fast = parseFast(args, io.env);
    // `dxt list` uses no part of the runtime that checkRuntime is about.
    if (fast === undefined || args[0] !== "list") checkRuntime();
    if (args.length === 0) {
      await parse(["--help"], io, io.stderr);
      return EXIT.usage;
    }
    const action = fast ?? await parse(args, io);
    if (action === undefined) return EXIT.done;
    printer = new Printer(io, action.verbosity);
    return await action.act({ io, engine, printer });
  } catch (error) {
    printer.failure(error);
    printer.failedResult("failed", error);
    return errorExitCode(error);
  }
}
