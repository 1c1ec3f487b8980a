/** Opens a file on disk for reading. */
import type { OpenFile } from "../../../core/contracts/connector.ts";
import { ExtractorError } from "../../../core/errors.ts";

/** Bytes that a stream reads at a time. */
const CHUNK = 262_144;

/** @param path the path in messages */
export async function openFile(full: string, path: string): Promise<OpenFile> {
  const file = await Deno.open(full);
  return new DiskFile(path, file, await file.stat());
}

/** Reads through one handle, which a rename of another file to the same path does not affect. */
class DiskFile implements OpenFile {
  readonly size: number;
  readonly modified?: number;
  /** The last read. Reads run one after another, since they share the handle's position. */
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(
    private readonly path: string,
    private readonly file: Deno.FsFile,
    stat: Deno.FileInfo,
  ) {
    this.size = stat.size;
    if (stat.mtime !== null) this.modified = stat.mtime.getTime();
  }

  stream(): ReadableStream<Uint8Array> {
    let at = 0;
    return new ReadableStream({
      pull: async (controller) => {
        const bytes = await this.read(at, at + CHUNK);
        at += bytes.length;
        if (bytes.length > 0) controller.enqueue(bytes);
        else controller.close();
      },
    });
  }

  read(start: number, end: number, into = new Uint8Array(end - start)): Promise<Uint8Array> {
    const reading = this.#last.then(() => this.#readAt(start, into.subarray(0, end - start)));
    this.#last = reading.catch(() => {});
    return reading;
  }

  async #readAt(start: number, bytes: Uint8Array): Promise<Uint8Array> {
    await this.file.seek(start, Deno.SeekMode.Start);
    let at = 0;
    while (at < bytes.length) {
      const read = await this.file.read(bytes.subarray(at));
      if (read === null) break;
      at += read;
    }
    return bytes.subarray(0, at);
  }

  async check(): Promise<void> {
    const { size, mtime } = await this.file.stat();
    if (size === this.size && mtime?.getTime() === this.modified) return;
    const now = size === this.size ? "the same size again" : `${size} bytes`;
    throw new ExtractorError(
      `Cannot read "${this.path}": it changed while it was read, had ${this.size} bytes, has ${now}`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#last;
    this.file.close();
  }
}
