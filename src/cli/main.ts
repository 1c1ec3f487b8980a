/** The command line: the only room that prints. */
import { ENGINE, type Engine } from "./app/engine.ts";
import { EXIT, exitOfError } from "./terminal/exit_codes.ts";
import { cachedHelp } from "./help/cached_help.ts";
import type { IO } from "./terminal/stdio.ts";
import { checkRuntime } from "./terminal/preflight.ts";
import { VERSION } from "./terminal/global_options.ts";
import { parseFast } from "./fast_parse.ts";
import { Printer } from "./output/printer.ts";

export type { Engine } from "./app/engine.ts";
export { type IO, type Output, processIO, type Signal } from "./terminal/stdio.ts";

/** The parser of the options takes three times as long as all that is done before. */
const parse: typeof import("./parse.ts").parseArguments = async (...asked) =>
  (await import("./parse.ts")).parseArguments(...asked);

const SILENT = { quiet: false, verbose: false };

/** Does what the arguments say, and returns the exit code; throws nothing. */
export async function main(
  args: readonly string[],
  io: IO,
  engine: Engine = ENGINE,
): Promise<number> {
  let printer = new Printer(io, SILENT);
  // What a driver leaves uncaught must neither print its stack nor a secret.
  using _ = io.onCrash((error) => {
    printer.failure(error);
    io.exit(EXIT.failed);
  });
  try {
    if (args.length === 1 && VERSION.some((name) => name === args[0])) {
      printer.result(io.version);
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
    const plain = parseFast(args, io.env);
    // A list needs nothing that would crash.
    if (plain === undefined || args[0] !== "list") checkRuntime();
    if (args.length === 0) {
      await parse(["--help"], io, io.stderr);
      return EXIT.usage;
    }
    const action = plain ?? await parse(args, io);
    if (action === undefined) return EXIT.done;
    printer = new Printer(io, action.verbosity);
    return await action.act({ io, engine, printer });
  } catch (error) {
    printer.failure(error);
    return exitOfError(error);
  }
}
