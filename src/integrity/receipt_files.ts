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

/** The folder to which a run writes its receipt. */
export class ReceiptFolder {
  /**
   * Creates the folder, and a file in it for a moment: a run that cannot write its receipt has to fail before
   * it moves anything.
   *
   * @throws {ConfigurationError} when nothing can be written there
   */
  constructor(private readonly folder: string, private readonly runId: string) {
    if (folder === "") {
      throw new ConfigurationError('Cannot write receipts to "": expected the name of a folder');
    }
    try {
      Deno.mkdirSync(folder, { recursive: true, mode: FOLDER_MODE });
      this.#openFile()[Symbol.dispose]();
    } catch (error) {
      throw new ConfigurationError(`Cannot write receipts to "${folder}": ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  /**
   * Writes the receipt, and returns the path of its file once it is on disk.
   *
   * @throws an error of the system, such as a full disk; nothing is left then
   */
  write(receipt: RunReceipt): string {
    const { pipeline, started_at } = receipt.result;
    const path = join(this.folder, nameFile(pipeline, this.runId, started_at));
    using file = this.#openFile();
    file.write(formatJSONFile(VERSION, receipt));
    file.publish(path);
    return path;
  }

  #openFile(): PendingFile {
    return new PendingFile(join(this.folder, `.${this.runId}.tmp`));
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
