/** Keeps the connection of a stream open for the next stream of this worker that has the same keys. */
import type { Connector } from "../../../core/contracts/connector.ts";
import type { Connectable } from "./connect.ts";

/** An open connection, and what aborts its waits. */
export interface KeptConnection {
  readonly connector: Connector;
  readonly stop: AbortController;
}

/** Milliseconds after which a connection that no stream has taken is closed. */
const KEPT_MS = 1000;

/** One connection at most, so that a worker never holds more than a stream needs. */
export class ConnectionKeeper {
  #kept:
    | KeptConnection & { readonly key: string; readonly timer: ReturnType<typeof setTimeout> }
    | undefined;

  constructor(private readonly keptMs = KEPT_MS) {}

  /** Keeps a connection, or closes it if its provider does not allow that. */
  async keep(endpoint: Connectable, connection: KeptConnection): Promise<void> {
    if (endpoint.provider.keepsConnections !== true) {
      return await connection.connector[Symbol.asyncDispose]();
    }
    await this.#close();
    const timer = setTimeout(() => {
      // No stream uses this connection: an error on closing it concerns none.
      this.#close().catch(() => {});
    }, this.keptMs);
    this.#kept = { ...connection, key: describeKeys(endpoint), timer };
  }

  /** Returns the connection if it has the same keys; closes another one. */
  async take(endpoint: Connectable): Promise<KeptConnection | undefined> {
    const kept = this.#kept;
    if (kept === undefined) return undefined;
    if (kept.key === describeKeys(endpoint)) {
      this.#kept = undefined;
      clearTimeout(kept.timer);
      return kept;
    }
    await this.#close();
    return undefined;
  }

  async #close(): Promise<void> {
    const kept = this.#kept;
    if (kept === undefined) return;
    this.#kept = undefined;
    clearTimeout(kept.timer);
    await kept.connector[Symbol.asyncDispose]();
  }
}

/** The settings by which connections are the same. */
function describeKeys({ provider, ...keys }: Connectable): string {
  return JSON.stringify([provider.name, keys]);
}
