/** The receipts of runs in a folder: each is written once, whole, and never changed. */
import { join } from "node:path";
import { ifPresent } from "../core/files/if_present.ts";
import { formatJSONFile, readJSONFile } from "../core/files/json_file.ts";
import { PendingFile } from "../core/files/pending_file.ts";
import { ConfigurationError, messageOf } from "../core/errors.ts";
import { RunReceipt } from "../models/result.ts";

/** Version of the files. */
const VERSION = 1;

const ENDING = ".json";
/** Only the user who runs dxt may read receipts: they name streams and targets. */
const FOLDER_MODE = 0o700;

/** The file of a run's receipt. It has a hidden name, and is empty, until the run ends. */
export class PendingReceipt implements Disposable {
  readonly #file: PendingFile;

  /**
   * Creates the folder and the hidden file, before anything is moved.
   *
   * @throws {ConfigurationError} when it cannot be written
   */
  constructor(private readonly folder: string, runId: string) {
    if (folder === "") {
      throw new ConfigurationError('Cannot write receipts to "": expected the name of a folder');
    }
    try {
      Deno.mkdirSync(folder, { recursive: true, mode: FOLDER_MODE });
      this.#file = new PendingFile(join(folder, `.${runId}.tmp`));
    } catch (error) {
      throw new ConfigurationError(`Cannot write receipts to "${folder}": ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  /**
   * Writes the receipt, and returns the path of its file once it is on disk.
   *
   * @throws an error of the system, such as a full disk; disposing removes the hidden file then
   */
  write(receipt: RunReceipt): string {
    const { pipeline, run_id, started_at } = receipt.result;
    this.#file.write(formatJSONFile(VERSION, receipt));
    const path = join(this.folder, nameFile(pipeline, run_id, started_at));
    this.#file.publish(path);
    return path;
  }

  /** Removes the file of a run that wrote no receipt. */
  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
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
