/** Writes the dead letters of one part of a stage: of records that never become rows of it. */
import { createHash, type Hash } from "node:crypto";
import { join } from "node:path";
import type { RejectedFile } from "../core/contracts/buffer.ts";
import type { DeadLetter } from "../models/stored.ts";
import { createDiskError, FILE_MODE } from "./durable_file.ts";
import { partFileName } from "./part.ts";

/** A file of letters in the folder of a stage, or in memory. It is created with the first letter. */
export class RejectedWriter implements Disposable {
  readonly #name: string;
  readonly #hash: Hash = createHash("sha256");
  readonly #path: string | undefined;
  readonly #kept: Uint8Array[] = [];
  #file: Deno.FsFile | undefined;
  #rows = 0;
  #size = 0;

  /**
   * @param folder of the stage; undefined for a stage in memory
   * @param part number of the part in the partition; undefined for the whole stream
   */
  constructor(folder: string | undefined, part: number | undefined) {
    this.#name = `${partFileName(0, part)}.rejected.jsonl`;
    this.#path = folder === undefined ? undefined : join(folder, this.#name);
  }

  /** @throws {BufferError} for an error of the system, such as a full disk */
  append(letter: DeadLetter): void {
    const bytes = new TextEncoder().encode(`${JSON.stringify(letter)}\n`);
    if (this.#path === undefined) this.#kept.push(bytes);
    else this.#explain(this.#path, (path) => this.#write(path, bytes));
    this.#hash.update(bytes);
    this.#size += bytes.length;
    this.#rows++;
  }

  /** Waits until the letters are on disk, and describes their file; undefined if there are none. */
  finish(): RejectedFile | undefined {
    if (this.#rows === 0) return undefined;
    if (this.#path !== undefined) this.#explain(this.#path, () => this.#file!.syncSync());
    const sha256 = this.#hash.digest("hex");
    const file = { name: this.#name, rows: this.#rows, size: this.#size, sha256 };
    if (this.#path !== undefined) return file;
    const bytes = new Uint8Array(this.#size);
    let at = 0;
    for (const line of this.#kept) {
      bytes.set(line, at);
      at += line.length;
    }
    return { ...file, bytes };
  }

  [Symbol.dispose](): void {
    this.#file?.close();
    this.#file = undefined;
  }

  /** Synchronous, since a reader may reject any number of records before it yields its next batch. */
  #write(path: string, bytes: Uint8Array): void {
    this.#file ??= Deno.openSync(path, { write: true, createNew: true, mode: FILE_MODE });
    for (let at = 0; at < bytes.length;) at += this.#file.writeSync(bytes.subarray(at));
  }

  #explain(path: string, step: (path: string) => void): void {
    try {
      step(path);
    } catch (error) {
      throw createDiskError(path, error, this.#size);
    }
  }
}
