/** Stopping what the server does for a connection, over a connection of its own. */
import { cancelRequest } from "./messages.ts";
import type { ByteSocket } from "../../../transport/socket.ts";
import { openSocket, type ServerKeys } from "./open_socket.ts";

/** Longest that it may take, in milliseconds. */
const TIMEOUT = 3000;

/** What a server calls a connection, told at its login. */
export interface BackendKey {
  readonly pid: number;
  readonly secret: number;
}

/**
 * Asks the server to stop what a connection has it do. As the protocol has it there is no answer; a
 * request that fails is forgotten, for the connection itself is closed in any case.
 */
export async function cancelStatement(target: ServerKeys, key: BackendKey): Promise<void> {
  let socket: ByteSocket | undefined;
  const timer = setTimeout(() => socket?.close(), TIMEOUT);
  try {
    socket = await openSocket({ ...target, connect_timeout: TIMEOUT / 1000 });
    await socket.write(cancelRequest(key.pid, key.secret));
    await socket.read(new Uint8Array(1));
  } catch {
    // Forgotten, as said above.
  } finally {
    clearTimeout(timer);
    socket?.close();
  }
}
