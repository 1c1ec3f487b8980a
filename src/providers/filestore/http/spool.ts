/** Copies of remote files on disk, since formats read a file's start or end before its records. */
import { join } from "node:path";
import type { Permissions } from "../../../core/contracts/provider.ts";
import { ConnectorError, DXTError, messageOf } from "../../../core/errors.ts";
import { createOwnFolder, type OwnFolder } from "../../../core/files/own_folder.ts";
import { missingFolder } from "../../../core/files/write_access.ts";

function spoolFolder(baseDirectory: string): string {
  return join(baseDirectory, ".dxt", "http");
}

/** The folder of copies; the outermost missing folder if it must be created. */
export function spoolPermissions(baseDirectory: string): Pick<Permissions, "read" | "write"> {
  const folder = spoolFolder(baseDirectory);
  const paths = [missingFolder(folder) ?? folder];
  return { read: paths, write: paths };
}

/** The copies of one connection. Disposing it removes them, and the folders if they are then empty. */
export class Spool implements AsyncDisposable {
  readonly #around: string;
  #folder: Promise<OwnFolder> | undefined;

  constructor(private readonly baseDirectory: string) {
    this.#around = spoolFolder(baseDirectory);
  }

  /** Writes a copy, and returns its path. An error of `bytes` is thrown as it is. */
  async write(bytes: AsyncIterable<Uint8Array>): Promise<string> {
    try {
      this.#folder ??= createOwnFolder(this.#around, "copies-");
      const path = join((await this.#folder).path, crypto.randomUUID());
      using file = await Deno.open(path, { write: true, createNew: true });
      for await (const chunk of bytes) {
        for (let at = 0; at < chunk.length;) at += await file.write(chunk.subarray(at));
      }
      return path;
    } catch (cause) {
      if (cause instanceof DXTError || !isFromDisk(cause)) throw cause;
      throw new ConnectorError(
        `Cannot copy a file into folder "${this.#around}": ${messageOf(cause)}`,
        { cause },
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const folder = this.#folder;
    this.#folder = undefined;
    await folder?.then((own) => own[Symbol.asyncDispose]()).catch(() => {});
    // Another connection or a stage may use them.
    await removeIfAllowed(this.#around);
    await removeIfAllowed(join(this.baseDirectory, ".dxt"));
  }
}

function isFromDisk(error: unknown): boolean {
  return error instanceof Error && ("code" in error || error instanceof Deno.errors.NotCapable);
}

async function removeIfAllowed(path: string): Promise<void> {
  await Deno.remove(path).catch(() => {});
}
