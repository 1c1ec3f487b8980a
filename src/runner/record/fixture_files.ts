/** The folder of a fixture: a Parquet file for each stream, and an index that is written last. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { ConfigurationError, messageOf } from "../../core/errors.ts";
import { ifPresent } from "../../core/files/if_present.ts";
import { createOwnFolder, type OwnFolder } from "../../core/files/own_folder.ts";
import { formatJSONFile, readJSONFile } from "../../core/files/json_file.ts";
import { PendingFile } from "../../core/files/pending_file.ts";
import { Fixture } from "./fixture.ts";

const INDEX = "fixture.json";
/** Prefix of the folder of a fixture that is not complete, and what a killed recording left of one. */
const PREFIX = "recording-";
const PENDING = /^\.?recording-[0-9a-f-]{36}/;
/** Version of the index. */
const VERSION = 1;

/**
 * Reads the index of a fixture; returns undefined if the folder has none.
 *
 * @throws {ConfigurationError} for an index that cannot be read
 */
export async function readFixture(folder: string): Promise<Fixture | undefined> {
  const path = join(folder, INDEX);
  const refuse = (detail: string, cause?: unknown) =>
    new ConfigurationError(`Cannot read fixture "${path}": ${detail}; dxt record writes it anew`, {
      cause,
    });
  try {
    return await readJSONFile(path, VERSION, Fixture, refuse);
  } catch (error) {
    throw error instanceof ConfigurationError ? error : refuse(messageOf(error), error);
  }
}

/** @throws {ConfigurationError} when a file of rows is missing, or is not the one of the index */
export async function checkFiles(folder: string, { streams }: Fixture): Promise<void> {
  for (const { stream, file, sha256 } of streams) {
    const path = join(folder, file);
    const bytes = await ifPresent(() => Deno.readFile(path));
    if (bytes !== undefined && createHash("sha256").update(bytes).digest("hex") === sha256) {
      continue;
    }
    const state = bytes === undefined ? "does not exist" : "was changed after it was recorded";
    throw new ConfigurationError(
      `Cannot replay stream "${stream}": its file "${path}" ${state}, expected the file that dxt record wrote`,
    );
  }
}

/**
 * Files of a fixture that is not complete yet, in a folder of their own. Disposing it removes them unless they
 * were published.
 */
export class PendingFixture implements AsyncDisposable {
  private constructor(
    private readonly folder: string,
    private readonly own: OwnFolder,
    private readonly before: Fixture | undefined,
  ) {}

  /** @throws {ConfigurationError} for a folder that holds anything but a fixture */
  static async open(folder: string): Promise<PendingFixture> {
    const before = await readFixture(folder);
    try {
      const entries = await ifPresent(() => Array.fromAsync(Deno.readDir(folder))) ?? [];
      if (before === undefined && entries.some(({ name }) => !PENDING.test(name))) {
        throw new ConfigurationError(
          `Cannot record into "${folder}": it has files and no ${INDEX}, expected a new or empty folder, or a fixture`,
        );
      }
      return new PendingFixture(folder, await createOwnFolder(folder, PREFIX), before);
    } catch (error) {
      if (error instanceof ConfigurationError) throw error;
      throw new ConfigurationError(`Cannot record into "${folder}": ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  /** Folder of the files until they are published. */
  get path(): string {
    return this.own.path;
  }

  /** Puts the new files in place of those of an earlier fixture. A reader sees the digests of one of both. */
  async publish(fixture: Fixture): Promise<void> {
    const files = new Set(fixture.streams.map(({ file }) => file));
    using index = new PendingFile(join(this.path, INDEX));
    index.write(formatJSONFile(VERSION, fixture));
    for (const file of files) await Deno.rename(join(this.path, file), join(this.folder, file));
    index.publish(join(this.folder, INDEX));
    for (const { file } of this.before?.streams ?? []) {
      if (!files.has(file)) await ifPresent(() => Deno.remove(join(this.folder, file)));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.own[Symbol.asyncDispose]();
    // Only a folder that was made for this fixture, and got no file, is empty.
    if (this.before === undefined) await Deno.remove(this.folder).catch(() => {});
  }
}
