/** Files that appear whole or not at all, and that only the user who runs dxt may read. */

/** A file with a hidden name until it is published. Disposing it removes a file that was neither published nor kept. */
export class PendingFile implements Disposable {
  readonly #file: Deno.FsFile;
  #state: "open" | "closed" | "kept" | "published" = "open";

  /** Creates the file in a folder that exists. */
  constructor(private readonly hidden: string) {
    this.#file = Deno.openSync(hidden, { write: true, createNew: true, mode: 0o600 });
  }

  write(text: string): void {
    let rest = new TextEncoder().encode(text);
    while (rest.length > 0) rest = rest.subarray(this.#file.writeSync(rest));
  }

  /** Waits until the file is on disk. */
  sync(): void {
    this.#file.syncDataSync();
  }

  /** Closes the file, which keeps its hidden name. */
  keep(): void {
    this.#close();
    this.#state = "kept";
  }

  /** Waits until the file is on disk, and gives it its name, in place of another file that has it. */
  publish(path: string): void {
    this.sync();
    this.#close();
    Deno.renameSync(this.hidden, path);
    this.#state = "published";
  }

  [Symbol.dispose](): void {
    if (this.#state === "published" || this.#state === "kept") return;
    this.#close();
    try {
      Deno.removeSync(this.hidden);
    } catch {
      // A hidden file that stays does no harm: nothing reads it.
    }
  }

  #close(): void {
    if (this.#state === "open") this.#file.close();
    this.#state = "closed";
  }
}
