/**
 * The files of rejected rows. A file has a hidden name until the load has committed: the hidden file of a run
 * that was killed tells of rows that its target may or may not have rejected.
 */
import { basename, dirname, join } from "node:path";
import { ifPresent } from "../core/files/if_present.ts";
import { DXTError, messageOf } from "../core/errors.ts";
import { DeadLetter, LetterHeader } from "../models/stored.ts";

const ENDING = ".jsonl";
const PENDING = ".pending";
/** Only the user who runs dxt may read letters: they hold data that the source protects. */
const MODES = { file: 0o600, folder: 0o700 };

/** A file of letters that a load writes. It is created with the first letter. */
export class LetterWriter {
  #file: Deno.FsFile | undefined;
  readonly #reasons = new Map<DeadLetter["kind"], number>();

  /** @param folder of the stream's letters */
  constructor(private readonly folder: string, private readonly header: LetterHeader) {}

  /** Rows by the kinds of their reasons. */
  get reasons(): Record<string, number> {
    return Object.fromEntries(this.#reasons);
  }

  get rows(): number {
    return [...this.#reasons.values()].reduce((sum, rows) => sum + rows, 0);
  }

  /** @throws {DXTError} for an error of the system, such as a full disk */
  append(letters: readonly DeadLetter[]): void {
    this.#explain(() => {
      this.#file ??= this.#create();
      this.#write(letters);
    });
    for (const { kind } of letters) this.#reasons.set(kind, (this.#reasons.get(kind) ?? 0) + 1);
  }

  /** Waits until the letters are on disk. */
  seal(): void {
    this.#explain(() => {
      this.#file?.syncSync();
      syncFolder(this.folder);
    });
  }

  /** Gives the file its name, after the load has committed; returns its path, if it has letters. */
  publish(): string | undefined {
    if (this.#file === undefined) return undefined;
    this.#file.close();
    return publishLetters(this.#hidden);
  }

  /** Closes the file of a load whose outcome is not known: it stays hidden. */
  keep(): void {
    this.#file?.close();
  }

  /** Removes the file of a load that was rolled back. */
  discard(): void {
    if (this.#file === undefined) return;
    this.#file.close();
    this.#file = undefined;
    this.#reasons.clear();
    Deno.removeSync(this.#hidden);
  }

  get #hidden(): string {
    const { at, run_id } = this.header;
    const time = at.replace(/\.\d+/, "").replace(/[-:]/g, "");
    return join(this.folder, `.${time}-${run_id.slice(0, 8)}${ENDING}${PENDING}`);
  }

  #create(): Deno.FsFile {
    Deno.mkdirSync(this.folder, { recursive: true, mode: MODES.folder });
    const options = { write: true, create: true, truncate: true, mode: MODES.file };
    this.#file = Deno.openSync(this.#hidden, options);
    this.#write([this.header]);
    return this.#file;
  }

  #write(lines: readonly object[]): void {
    let rest = new TextEncoder().encode(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    while (rest.length > 0) rest = rest.subarray(this.#file!.writeSync(rest));
  }

  #explain(step: () => void): void {
    try {
      step();
    } catch (error) {
      throw new DXTError(`Cannot write dead letters to "${this.folder}": ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
}

/** Waits until the names in a folder are on disk. */
function syncFolder(path: string): void {
  // Windows has no such call and needs none.
  if (Deno.build.os === "windows") return;
  using folder = Deno.openSync(path);
  folder.syncSync();
}

/** Gives a hidden file its name, since its load has committed; returns its path. */
export function publishLetters(hidden: string): string {
  const path = join(dirname(hidden), basename(hidden).slice(1, -PENDING.length));
  Deno.renameSync(hidden, path);
  syncFolder(dirname(path));
  return path;
}

/** Removes a file, and its folders if nothing else is in them. */
export function removeLetters(path: string): void {
  Deno.removeSync(path);
  for (const folder of [dirname(path), dirname(dirname(path))]) {
    try {
      Deno.removeSync(folder);
    } catch {
      return;
    }
  }
}

/** A file of letters, without its rows. */
export interface FoundLetters {
  readonly path: string;
  readonly header: LetterHeader;
  readonly rows: number;
  readonly bytes: number;
  /** Rows by the kinds of their reasons. */
  readonly reasons: Readonly<Record<string, number>>;
  /** The run was killed, or its target was lost, at the commit: the target may not have loaded the others. */
  readonly isInDoubt: boolean;
}

/** Lists the files of letters in the folder of a stream, the oldest first. */
export async function listLetters(folder: string): Promise<FoundLetters[]> {
  const entries = await ifPresent(() => Array.fromAsync(Deno.readDir(folder))) ?? [];
  const names = entries.filter(({ name, isFile }) =>
    isFile && (name.endsWith(ENDING) || name.endsWith(`${ENDING}${PENDING}`))
  ).map(({ name }) => name);
  names.sort((one, other) => one.replace(/^\./, "") < other.replace(/^\./, "") ? -1 : 1);
  return await Promise.all(names.map(async (name) => {
    const path = join(folder, name);
    const reasons: Record<string, number> = {};
    let rows = 0;
    for await (const { kind } of readLetters(path)) {
      reasons[kind] = (reasons[kind] ?? 0) + 1;
      rows++;
    }
    const { size } = await Deno.stat(path);
    const header = await readHeader(path);
    return { path, header, rows, bytes: size, reasons, isInDoubt: name.endsWith(PENDING) };
  }));
}

/** @throws {DXTError} for a file that is none of letters */
export async function readHeader(path: string): Promise<LetterHeader> {
  for await (const line of readLines(path)) return parseLine(path, line, 1, LetterHeader);
  throw new DXTError(`Cannot read dead letters from "${path}": the file is empty`);
}

/** Reads the rows of a file. */
export async function* readLetters(path: string): AsyncGenerator<DeadLetter, void, void> {
  let number = 0;
  for await (const line of readLines(path)) {
    if (++number > 1) yield parseLine(path, line, number, DeadLetter);
  }
}

function parseLine<T>(
  path: string,
  line: string,
  number: number,
  schema: { parse(value: unknown): T },
): T {
  try {
    return schema.parse(JSON.parse(line));
  } catch (error) {
    throw new DXTError(
      `Cannot read dead letters from "${path}": line ${number} is no dead letter of this version of dxt`,
      { cause: error },
    );
  }
}

async function* readLines(path: string): AsyncGenerator<string, void, void> {
  const file = await Deno.open(path);
  let rest = "";
  for await (const text of file.readable.pipeThrough(new TextDecoderStream())) {
    const lines = `${rest}${text}`.split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  // A line without an end was cut off with its run.
}
