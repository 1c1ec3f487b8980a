/** The receipts of runs in a folder: each is written once, whole, and never changed. */
import { join } from "node:path";
import { ifPresent } from "../core/files/if_present.ts";
import { formatJSONFile, readJSONFile } from "../core/files/json_file.ts";
import { ConfigurationError, messageOf } from "../core/errors.ts";
import { RunReceipt } from "../models/result.ts";

/** Version of the files. */
const VERSION = 1;

const ENDING = ".json";
/** Only the user who runs dxt may read receipts: they name streams and targets. */
const MODES = { file: 0o600, folder: 0o700 };

/** The file of a run's receipt, which is there, but empty and hidden, until the run ends. */
export class PendingReceipt implements Disposable {
  readonly #file: Deno.FsFile;
  readonly #hidden: string;
  #isOpen = true;

  /**
   * Creates the folder and the hidden file, before anything is moved.
   *
   * @throws {ConfigurationError} when it cannot be written
   */
  constructor(private readonly folder: string, runId: string) {
    if (folder === "") {
      throw new ConfigurationError('Cannot write receipts to "": expected the name of a folder');
    }
    this.#hidden = join(folder, `.${runId}.tmp`);
    try {
      Deno.mkdirSync(folder, { recursive: true, mode: MODES.folder });
      this.#file = Deno.openSync(this.#hidden, { write: true, createNew: true, mode: MODES.file });
    } catch (error) {
      throw new ConfigurationError(`Cannot write receipts to "${folder}": ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  /**
   * Writes the receipt, waits until it is on disk, and gives the file its name.
   *
   * @returns the path
   * @throws an error of the system, such as a full disk; no file is left then
   */
  write(receipt: RunReceipt): string {
    const { pipeline, run_id, started_at } = receipt.result;
    let rest = new TextEncoder().encode(formatJSONFile(VERSION, receipt));
    while (rest.length > 0) rest = rest.subarray(this.#file.writeSync(rest));
    this.#file.syncDataSync();
    const path = join(this.folder, nameFile(pipeline, run_id, started_at));
    Deno.renameSync(this.#hidden, path);
    this.#close();
    return path;
  }

  /** Removes the file of a run that wrote none. */
  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#close();
    try {
      Deno.removeSync(this.#hidden);
    } catch {
      // It names no receipt, so that it is in nobody's way.
    }
  }

  #close(): void {
    this.#file.close();
    this.#isOpen = false;
  }
}

/** For example `20260301T060000Z-shop-5f0c21aa.json`, so that names are in the order of time. */
function nameFile(pipeline: string, runId: string, startedAt: string): string {
  const time = startedAt.replace(/\.\d+/, "").replace(/[-:]/g, "");
  const name = pipeline.replace(/[^\p{L}\p{N}_-]+/gu, "_").slice(0, 80);
  return `${time}-${name}-${runId.slice(0, 8)}${ENDING}`;
}

/** A receipt, or why its file holds none. */
export type FoundReceipt =
  & { readonly path: string }
  & (
    | { readonly receipt: RunReceipt }
    | { readonly problem: string }
  );

/**
 * Reads the receipts of a folder, the latest first; returns undefined if the folder does not exist.
 *
 * @throws {ConfigurationError} for a folder that cannot be read
 */
export async function listReceipts(folder: string): Promise<FoundReceipt[] | undefined> {
  const entries = await listEntries(folder);
  if (entries === undefined) return undefined;
  const names = entries.filter(({ name, isFile }) =>
    isFile && !name.startsWith(".") && name.endsWith(ENDING)
  ).map(({ name }) => name).sort().reverse();
  const found = await Promise.all(names.map((name) => readReceipt(join(folder, name))));
  return found.filter((one) => one !== undefined);
}

async function listEntries(folder: string): Promise<Deno.DirEntry[] | undefined> {
  try {
    return await ifPresent(() => Array.fromAsync(Deno.readDir(folder)));
  } catch (error) {
    throw new ConfigurationError(`Cannot read receipts from "${folder}": ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Reads the receipt of a file; returns undefined if it does not exist. */
export async function readReceipt(path: string): Promise<FoundReceipt | undefined> {
  try {
    const refuse = (detail: string) => new ConfigurationError(detail);
    const receipt = await readJSONFile(path, VERSION, RunReceipt, refuse);
    return receipt && { path, receipt };
  } catch (error) {
    return { path, problem: messageOf(error) };
  }
}
