/** Files that are on the disk when they are said to be. */
import { createHash } from "node:crypto";
import { BufferError } from "../core/errors.ts";
import type { FileInput } from "../formats/format.ts";

/** Only the user who runs dxt may read a stage: it holds what the source's password protects. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

const READ_BYTES = 256 * 1024;

export interface Written {
  readonly size: number;
  /** In hexadecimal digits. */
  readonly sha256: string;
}

/**
 * Writes a new file and waits until it is on the disk. `onSize` hears how large it is so far.
 *
 * @throws {BufferError} when the disk is full
 */
export async function writeFile(
  path: string,
  bytes: AsyncIterable<Uint8Array>,
  onSize: (size: number) => void = () => {},
): Promise<Written> {
  const hash = createHash("sha256");
  let size = 0;
  using file = await fits(
    path,
    () => Deno.open(path, { write: true, createNew: true, mode: FILE_MODE }),
  );
  for await (const chunk of bytes) {
    hash.update(chunk);
    await fits(path, () => writeAll(file, chunk), size);
    size += chunk.length;
    onSize(size);
  }
  await fits(path, () => file.sync(), size);
  return { size, sha256: hash.digest("hex") };
}

/** As {@linkcode writeFile}, for bytes at hand. */
export async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  await writeFile(
    path,
    (async function* () {
      yield await Promise.resolve(bytes);
    })(),
  );
}

async function writeAll(file: Deno.FsFile, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length;) at += await file.write(chunk.subarray(at));
}

/** Makes a folder and those above it. */
export async function makeFolder(path: string): Promise<void> {
  await fits(path, () => Deno.mkdir(path, { recursive: true, mode: FOLDER_MODE }));
}

async function fits<T>(path: string, step: () => Promise<T>, size = 0): Promise<T> {
  try {
    return await step();
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code !== "ENOSPC" && code !== "EDQUOT") throw error;
    throw new BufferError(
      `Cannot stage in "${path}": the disk is full after ${size} bytes of this file, buffer.location can be a folder with more room`,
      { cause: error },
    );
  }
}

/** Waits until a folder's names are on the disk. */
export async function syncFolder(path: string): Promise<void> {
  // Windows has no such thing, and needs none.
  if (Deno.build.os === "windows") return;
  using folder = await Deno.open(path);
  await folder.sync();
}

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  using file = await Deno.open(path);
  // One buffer: a stream would make a new one for each read.
  const buffer = new Uint8Array(READ_BYTES);
  for (let size; (size = await file.read(buffer)) !== null;) hash.update(buffer.subarray(0, size));
  return hash.digest("hex");
}

/** A file of the stage as formats read it. */
export function stagedInput(path: string, size: number): FileInput {
  return {
    name: path,
    size,
    open: async () => (await Deno.open(path)).readable,
    async read(start, end, into = new Uint8Array(end - start)) {
      using file = await Deno.open(path);
      await file.seek(start, Deno.SeekMode.Start);
      const bytes = into.subarray(0, end - start);
      let at = 0;
      while (at < bytes.length) {
        const count = await file.read(bytes.subarray(at));
        if (count === null) throw new BufferError(`Cannot read stage "${path}": it ends early`);
        at += count;
      }
      return bytes;
    },
  };
}

/** Removes a file or folder with all that is in it; that there is none is no error. */
export async function remove(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
