/**
 * A TCP connection as the stream that `node:tls` runs over. Over a socket of `node:net`, TLS reads all that
 * the server sends, however slow the reader is (measured: 500 MiB of a COPY in two seconds without a
 * reader), and does not notice a connection that ends within a TLS record. This stream reads the network on
 * demand and reports its end.
 */
import { Duplex } from "node:stream";

const READ_BYTES = 256 * 1024;

/** Emits `lost` when the other side has closed the connection. */
export class TLSDuplex extends Duplex {
  readonly #buffer = new Uint8Array(READ_BYTES);
  #demanded = true;
  /** The stream has room for more. */
  #wanted = false;

  constructor(private readonly connection: Deno.Conn) {
    super({ readableHighWaterMark: READ_BYTES });
  }

  /** Sets whether to read the network again after the current read. */
  demand(demanded: boolean): void {
    this.#demanded = demanded;
    this.#pump();
  }

  override _read(): void {
    this.#wanted = true;
    this.#pump();
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error) => void): void {
    writeAll(this.connection, chunk).then(() => done(), done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    close(this.connection);
    done(error);
  }

  #pump(): void {
    if (!this.#wanted || !this.#demanded) return;
    this.#wanted = false;
    this.connection.read(this.#buffer).then(
      (size) => this.#push(size),
      (error) => this.destroy(error),
    );
  }

  #push(size: number | null): void {
    this.push(size === null ? null : this.#buffer.slice(0, size));
    if (size === null) this.emit("lost");
  }
}

export async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

export function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It was closed before.
  }
}
