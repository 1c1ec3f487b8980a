/** The command line: the only room that prints. */
import { ENGINE, type Engine } from "./engine.ts";
import { EXIT, exitOfError } from "./exit.ts";
import { keptHelp } from "./help.ts";
import type { IO } from "./io.ts";
import { checkMachine } from "./machine.ts";
import { VERSION } from "./names.ts";
import { plainAction } from "./plain.ts";
import { Printer } from "./printer.ts";

export type { Engine } from "./engine.ts";
export { type IO, type Output, processIO, type Signal } from "./io.ts";

/** The parser of the options takes three times as long as all that is done before. */
const parse: typeof import("./usage.ts").parseArguments = async (...asked) =>
  (await import("./usage.ts")).parseArguments(...asked);

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
      ? await keptHelp(["--help"], io.env, io.stderr)
      : await keptHelp(args, io.env, io.stdout);
    if (help !== undefined) {
      (args.length === 0 ? io.stderr : io.stdout).write(help);
      return args.length === 0 ? EXIT.usage : EXIT.done;
    }
    if (args[0] === "completions" && args[1] === "--words") {
      const { completionLines } = await import("./complete.ts");
      io.stdout.write(await completionLines(args.slice(2)));
      return EXIT.done;
    }
    if (args[0] === "completions" && args.length === 2) {
      const { SCRIPTS } = await import("./completion_scripts.ts");
      const script = Object.entries(SCRIPTS).find(([shell]) => shell === args[1])?.[1];
      if (script !== undefined) {
        io.stdout.write(script);
        return EXIT.done;
      }
    }
    const plain = plainAction(args, io.env);
    // A list needs nothing that would crash.
    if (plain === undefined || args[0] !== "list") checkMachine();
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
