/**
 * stdin and stdout as source and target of a stream: `-` in `--from` and `--to`. While the command
 * runs, each is a file in a temporary folder: stdin is read twice, since types are inferred before
 * records are read, and stdout gets its first byte after the load of the file is proven. The stage is
 * in that folder, too: pipes have no names that would tell the stages of two runs apart.
 */
import { join } from "node:path";
import type { Argument } from "../../config/mod.ts";
import { DATASET } from "../../config/pipeline/classify_argument.ts";
import { ConfigurationError, ConnectorError, messageOf } from "../../core/errors.ts";
import { createOwnFolder } from "../../core/files/own_folder.ts";
import { bytesText } from "../output/format_units.ts";
import { EXIT } from "../terminal/exit_codes.ts";
import type { IO } from "../terminal/stdio.ts";
import { runUntilSignal } from "./connections.ts";
import type { Context } from "./context.ts";
import type { Subject } from "./one_stream.ts";

const PIPE = "-";
const ENDINGS = "csv, tsv, json, jsonl, parquet or arrow, also compressed as in csv.gz";

/** Bytes that are copied at a time. */
const CHUNK = 262_144;

/** Whether an argument stands for stdin or stdout. */
export function isPipe(argument: Argument | undefined): boolean {
  return argument?.text === PIPE;
}

/**
 * Calls `work` with files in place of stdin and stdout, and returns its exit code.
 *
 * @param moves whether `work` writes the target; stdout then gets its bytes and nothing else
 */
export async function withPipes<T extends Subject>(
  subject: T,
  context: Context,
  work: (subject: T) => Promise<number>,
  moves = false,
): Promise<number> {
  const { stream, format } = subject;
  const [reads, writes] = [isPipe(stream?.from), isPipe(stream?.to)];
  const { io, printer } = context;
  if (stream === undefined || !(reads || writes)) {
    if (format === undefined) return await work(subject);
    throw new ConfigurationError(
      `Cannot use --format "${format}": it is the format of stdin or stdout, expected --from - or --to -`,
    );
  }
  if (writes && moves) printer.sendResultsToStderr();
  const [input, output] = readFormats(format, reads && writes);
  if (reads) checkInput(io, input);
  if (writes && moves) checkOutput(io, output);
  await using folders = new AsyncDisposableStack();
  let [stdin, stdout, stageFolder] = ["", "", ""];
  // A signal that comes while the folder is created must not leave it behind.
  const begun = await runUntilSignal(context, async (signal) => {
    const folder = folders.use(await createFolder());
    [stdin, stdout] = [folder.join(`stdin.${input}`), folder.join(`stdout.${output}`)];
    stageFolder = folder.join("stage");
    if (!reads) return EXIT.done;
    const bytes = await spool(io, stdin, signal);
    printer.detail("stdin", `${bytesText(bytes)} read`);
    return EXIT.done;
  });
  if (begun !== EXIT.done) return begun;
  const code = await work({
    ...subject,
    stream: {
      ...stream,
      stageFolder,
      from: reads ? pathArgument(stream.from, stdin) : stream.from,
      to: writes ? pathArgument(stream.to, stdout) : stream.to,
    },
  });
  if (!writes || !moves || code !== EXIT.done) return code;
  return await runUntilSignal(context, async (signal) => {
    await copyOut(stdout, io, signal);
    return EXIT.done;
  });
}

/**
 * The endings of stdin and stdout.
 *
 * @param both whether `--format` may name one for each
 */
function readFormats(format: string | undefined, both: boolean): [string | undefined, string] {
  const endings = format?.split(",") ?? [];
  const wrong = endings.find((ending) => !DATASET.test(`.${ending}`));
  if (wrong !== undefined || endings.length > (both ? 2 : 1)) {
    throw new ConfigurationError(
      `Cannot use --format "${format}": expected ${ENDINGS}${
        both ? "; or one of stdin and one of stdout, as in csv,parquet" : ""
      }`,
    );
  }
  const [input, output = input] = endings;
  return [input, output ?? "csv"];
}

function checkInput({ stdin }: IO, format: string | undefined): void {
  if (stdin.isTerminal) {
    throw new ConfigurationError(
      "Cannot read stdin: it is a terminal, expected a pipe or a file, as in dxt run --from - … < x.csv",
    );
  }
  if (format !== undefined) return;
  throw new ConfigurationError(
    `Cannot read stdin: its format is unknown, expected --format ${ENDINGS}`,
  );
}

function checkOutput({ stdout }: IO, format: string): void {
  if (!stdout.isTerminal || /^(csv|tsv|json|jsonl|ndjson)$/i.test(format)) return;
  throw new ConfigurationError(
    `Cannot write ${format} to stdout: it is a terminal, expected a pipe or a file, as in dxt run … --to - > x.${format}`,
  );
}

/** In an argument, `$` may start a variable. */
function pathArgument({ option }: Argument, path: string): Argument {
  return { option, text: path.replaceAll("$", "$$$$") };
}

/** Creates a folder beside the stages. Disposing it removes it, and its parent folder if empty. */
async function createFolder() {
  const { ignoreFolder, removeEmptyFolders } = await import("../../runner/stage_folders.ts");
  const around = join(Deno.cwd(), ".dxt");
  const folder = await explain(
    `create a folder for stdin and stdout in "${around}"`,
    async () => {
      const own = await createOwnFolder(around, "pipe-");
      ignoreFolder(around);
      return own;
    },
  );
  return {
    join: (name: string) => join(folder.path, name),
    async [Symbol.asyncDispose]() {
      await folder[Symbol.asyncDispose]();
      removeEmptyFolders([around]);
    },
  };
}

/** Writes all of stdin into a file, and returns its size. */
async function spool({ stdin }: IO, path: string, signal: AbortSignal): Promise<number> {
  return await explain(`copy stdin to "${path}"`, async () => {
    using file = await Deno.open(path, { write: true, createNew: true });
    signal.throwIfAborted();
    const chunk = new Uint8Array(CHUNK);
    let size = 0;
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    while (true) {
      const read = await Promise.race([stdin.read(chunk), aborted]);
      if (read === null) return size;
      for (let at = 0; at < read;) at += await file.write(chunk.subarray(at, read));
      size += read;
    }
  });
}

/** Writes a file to stdout; ends early when the reader has closed it. */
async function copyOut(path: string, { stdout }: IO, signal: AbortSignal): Promise<void> {
  await explain("write to stdout", async () => {
    using file = await Deno.open(path);
    const chunk = new Uint8Array(CHUNK);
    while (true) {
      signal.throwIfAborted();
      const read = await file.read(chunk);
      if (read === null || !await stdout.writeBytes(chunk.subarray(0, read))) return;
    }
  });
}

async function explain<T>(action: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new ConnectorError(`Cannot ${action}: ${messageOf(cause)}`, { cause });
  }
}
