/** Writes, hashes and reads the files of a stage; a file counts as written once it is on disk. */
import { createHash } from "node:crypto";
import { BufferError, messageOf } from "../core/errors.ts";
import type { FileInput } from "../formats/format.ts";

/** Only the user who runs dxt may read a stage: it holds data that the source protects. */
export const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

const READ_BYTES = 256 * 1024;

/** Size and digest of a written file. */
export interface Written {
  readonly size: number;
  /** In hexadecimal. */
  readonly sha256: string;
}

/**
 * Writes a new file and waits until it is on disk.
 *
 * @param onSize called after each chunk with the bytes written so far
 * @throws {BufferError} for an error of the system, such as a full disk
 */
export async function writeFile(
  path: string,
  bytes: AsyncIterable<Uint8Array>,
  onSize: (size: number) => void = () => {},
): Promise<Written> {
  const hash = createHash("sha256");
  let size = 0;
  using file = await explainDiskErrors(
    path,
    () => Deno.open(path, { write: true, createNew: true, mode: FILE_MODE }),
  );
  for await (const chunk of bytes) {
    hash.update(chunk);
    await explainDiskErrors(path, () => writeAll(file, chunk), size);
    size += chunk.length;
    onSize(size);
  }
  await explainDiskErrors(path, () => file.sync(), size);
  return { size, sha256: hash.digest("hex") };
}

/** Like {@linkcode writeFile}, for bytes in memory. */
export async function writeBytes(path: string, bytes: Uint8Array): Promise<void> {
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

/** Creates a folder and its missing parents. */
export async function makeFolder(path: string): Promise<void> {
  await Deno.mkdir(path, { recursive: true, mode: FOLDER_MODE });
}

/**
 * Runs a step that writes to a stage.
 *
 * @param size bytes already written to the file
 * @throws {BufferError} for an error of the system, with a way out
 */
export async function explainDiskErrors<T>(
  path: string,
  step: () => Promise<T>,
  size = 0,
): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw createDiskError(path, error, size);
  }
}

/** Returns a BufferError with a way out for an error of the system; any other error unchanged. */
export function createDiskError(path: string, error: unknown, size: number): unknown {
  const { code } = error as { code?: unknown };
  if (typeof code !== "string" || error instanceof Deno.errors.NotCapable) return error;
  const detail = describeDiskError(code, size) ?? messageOf(error);
  return new BufferError(`Cannot stage in "${path}": ${detail}`, { cause: error });
}

function describeDiskError(code: string, size: number): string | undefined {
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
      return `the disk is full after ${size} bytes of this file, set buffer.location to a folder with more room`;
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return `dxt may not write there (${code}), set buffer.location to a folder that it may write, or buffer.format to memory`;
    case "ENOENT":
      return "its folder cannot be created, or was removed meanwhile, set buffer.location to another";
    case "ENOTDIR":
    case "EEXIST":
      return "a part of its path is a file, set buffer.location to a folder";
    case "EMFILE":
    case "ENFILE":
      return "too many files are open, raise the limit (ulimit -n) or lower --threads";
    default:
      return undefined;
  }
}

/** Waits until the names in a folder are on disk. */
export async function syncFolder(path: string): Promise<void> {
  // Windows has no such call and needs none.
  if (Deno.build.os === "windows") return;
  using folder = await Deno.open(path);
  await folder.sync();
}

export async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  using file = await Deno.open(path);
  // One buffer for all reads: a stream would allocate one each time.
  const buffer = new Uint8Array(READ_BYTES);
  for (let size; (size = await file.read(buffer)) !== null;) hash.update(buffer.subarray(0, size));
  return hash.digest("hex");
}

/** Returns a staged file as an input for file formats. */
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

/** Removes a file, or a folder with its content; does nothing when it does not exist. */
export async function removePath(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
