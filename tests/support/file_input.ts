/** Files in memory. */
import type { FileInput } from "../../src/formats/format.ts";

export interface FileInputOptions {
  readonly name?: string;
  /** Bytes of each chunk. */
  readonly chunk?: number;
}

/** Knows what of it is left open. */
export class MemoryInput implements FileInput {
  readonly name: string;
  readonly size: number;
  /** Streams that were neither read to their end nor cancelled. */
  streams = 0;
  readonly #chunk: number;

  constructor(private readonly bytes: Uint8Array, options: FileInputOptions) {
    this.name = options.name ?? "test";
    this.size = bytes.length;
    this.#chunk = options.chunk ?? 65_536;
  }

  open(): Promise<ReadableStream<Uint8Array>> {
    let at = 0;
    this.streams++;
    return Promise.resolve(
      new ReadableStream({
        pull: (controller) => {
          if (at < this.size) return controller.enqueue(this.bytes.slice(at, at += this.#chunk));
          this.streams--;
          controller.close();
        },
        cancel: () => {
          this.streams--;
        },
      }, { highWaterMark: 0 }),
    );
  }

  read(start: number, end: number): Promise<Uint8Array> {
    return Promise.resolve(this.bytes.slice(start, end));
  }
}

export function fileInput(bytes: Uint8Array, options: FileInputOptions = {}): MemoryInput {
  return new MemoryInput(bytes, options);
}
