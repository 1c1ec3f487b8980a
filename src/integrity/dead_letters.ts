/**
 * The files of rejected rows. A file has a hidden name until the load has committed: the hidden file of a run
 * that was killed tells of rows that its target may or may not have rejected.
 */
import { basename, dirname, join } from "node:path";
import { ifPresent } from "../core/files/if_present.ts";
import { PendingFile } from "../core/files/pending_file.ts";
import { DXTError, messageOf } from "../core/errors.ts";
import { DeadLetter, LetterHeader } from "../models/stored.ts";

const ENDING = ".jsonl";
const PENDING = ".pending";
/** Only the user who runs dxt may read letters: they hold data that the source protects. */
const FOLDER_MODE = 0o700;

/** A file of letters that a load writes. It is created with the first letter. */
export class LetterWriter {
  #file: PendingFile | undefined;
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
      this.#file.write(formatLines(letters));
    });
    for (const { kind } of letters) this.#reasons.set(kind, (this.#reasons.get(kind) ?? 0) + 1);
  }

  /** Waits until the letters are on disk. */
  seal(): void {
    if (this.#file === undefined) return;
    this.#explain(() => {
      this.#file!.sync();
      syncFolder(this.folder);
    });
  }

  /** Gives the file its name, after the load has committed; returns its path, if it has letters. */
  publish(): string | undefined {
    if (this.#file === undefined) return undefined;
    const path = getPublishedPath(this.#hidden);
    this.#file.publish(path);
    syncFolder(this.folder);
    return path;
  }

  /** Closes the file of a load whose outcome is not known: it stays hidden. */
  keep(): void {
    this.#file?.keep();
    this.#file = undefined;
  }

  /** Removes the file of a load that was rolled back. */
  discard(): void {
    this.#file?.[Symbol.dispose]();
    this.#file = undefined;
    this.#reasons.clear();
  }

  get #hidden(): string {
    const { at, run_id } = this.header;
    const time = at.replace(/\.\d+/, "").replace(/[-:]/g, "");
    return join(this.folder, `.${time}-${run_id.slice(0, 8)}${ENDING}${PENDING}`);
  }

  #create(): PendingFile {
    Deno.mkdirSync(this.folder, { recursive: true, mode: FOLDER_MODE });
    const file = new PendingFile(this.#hidden);
    file.write(formatLines([this.header]));
    return file;
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

function formatLines(lines: readonly object[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

/** The path of a hidden file once it has its name. */
function getPublishedPath(hidden: string): string {
  return join(dirname(hidden), basename(hidden).slice(1, -PENDING.length));
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
  const path = getPublishedPath(hidden);
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

/** Removes the rows of a file that were staged, since they have been loaded; and the file, if it has no others. */
export async function removeStaged({ path, header, rows, unstaged }: FoundLetters): Promise<void> {
  if (unstaged === 0) return removeLetters(path);
  if (unstaged === rows) return;
  const hidden = join(dirname(path), `.${basename(path).replace(/^\./, "")}.new`);
  using file = new PendingFile(hidden);
  file.write(formatLines([header]));
  for await (const letter of readLetters(path)) {
    if (letter.step !== "load") file.write(formatLines([letter]));
  }
  file.publish(path);
}

/** A file of letters, without its rows. */
export interface FoundLetters {
  readonly path: string;
  readonly header: LetterHeader;
  readonly rows: number;
  /** Those of the rows that were rejected before they were staged: they cannot be loaded from here. */
  readonly unstaged: number;
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
    let [rows, unstaged] = [0, 0];
    for await (const { kind, step } of readLetters(path)) {
      reasons[kind] = (reasons[kind] ?? 0) + 1;
      rows++;
      if (step !== "load") unstaged++;
    }
    const { size } = await Deno.stat(path);
    const header = await readHeader(path);
    const isInDoubt = name.endsWith(PENDING);
    return { path, header, rows, unstaged, bytes: size, reasons, isInDoubt };
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

/** Reads the rows of a file of a stage, which has no header. */
export async function* readStagedLetters(
  name: string,
  bytes: ReadableStream<Uint8Array>,
): AsyncGenerator<DeadLetter, void, void> {
  let number = 0;
  for await (const line of splitLines(bytes)) yield parseLine(name, line, ++number, DeadLetter);
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
  yield* splitLines((await Deno.open(path)).readable);
}

async function* splitLines(
  bytes: ReadableStream<Uint8Array>,
): AsyncGenerator<string, void, void> {
  let rest = "";
  const texts = bytes.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>);
  for await (const text of texts) {
    const lines = `${rest}${text}`.split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  // A line without an end was cut off with its run.
}
