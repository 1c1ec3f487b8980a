/** Cancels a statement, over another connection. */
import { ENDING_SECONDS } from "../../../transport/guarded_connection.ts";
import type { ServerKeys } from "../../../transport/socket.ts";
import { cancelRequest } from "./messages.ts";
import { openSocket } from "./open_socket.ts";

/** Identifies a connection to its server, which sends the key during the login. */
export interface BackendKey {
  readonly pid: number;
  readonly secret: number;
}

/** Asks the server to stop the statement of a connection. The server does not answer. */
export async function cancelStatement(
  server: ServerKeys,
  { pid, secret }: BackendKey,
  signal: AbortSignal,
): Promise<void> {
  const socket = await openSocket({ ...server, connect_timeout: ENDING_SECONDS });
  const close = () => socket.close();
  signal.addEventListener("abort", close);
  try {
    signal.throwIfAborted();
    await socket.write(cancelRequest(pid, secret));
    // The server closes this connection after it has passed on the request.
    await socket.read(new Uint8Array(1));
  } finally {
    signal.removeEventListener("abort", close);
    close();
  }
}
