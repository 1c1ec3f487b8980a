/**
 * The server's greeting, and the head of the answer: the capabilities that client and server share.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase.html
 */
import { ConnectionError } from "../../../../core/errors.ts";
import { decode, PayloadReader } from "./packets.ts";

export const CAPABILITY = {
  connectWithDatabase: 0x8,
  localFiles: 0x80,
  protocol41: 0x200,
  tls: 0x800,
  transactions: 0x2000,
  secureConnection: 0x8000,
  pluginAuth: 0x8_0000,
  deprecateEOF: 0x100_0000,
} as const;

/** Number of the collation utf8mb4_general_ci, which every server since 5.5.3 has. */
const UTF8MB4 = 45;
/** Longest packet that the client accepts. */
const MAX_PACKET = 0x4000_0000;

export interface Greeting {
  /** In the server's own form, for example `10.11.6-MariaDB-0+deb12u1`. */
  readonly version: string;
  readonly connectionId: number;
  readonly capabilities: number;
  readonly challenge: Uint8Array;
  readonly plugin: string;
}

/** @throws {ConnectionError} for a payload that is no greeting of a supported server */
export function parseGreeting(payload: Uint8Array): Greeting {
  const reader = new PayloadReader(payload);
  const protocol = reader.uint8();
  if (protocol !== 10) {
    throw new ConnectionError(`the server speaks protocol ${protocol}, expected 10`);
  }
  const version = decode(reader.untilZero());
  const connectionId = reader.uint32();
  const first = reader.take(8);
  reader.uint8();
  const low = reader.uint16();
  reader.take(3);
  const capabilities = (low | reader.uint16() << 16) >>> 0;
  reader.take(11);
  if ((capabilities & CAPABILITY.secureConnection) === 0) {
    throw new ConnectionError(`the server ${version} is older than MySQL 5.5`);
  }
  const challenge = Uint8Array.of(...first, ...reader.take(12));
  reader.untilZero();
  const named = (capabilities & CAPABILITY.pluginAuth) !== 0;
  const plugin = named ? decode(reader.untilZero()) : "mysql_native_password";
  return {
    version: version.replace(/^5\.5\.5-/, ""),
    connectionId,
    capabilities,
    challenge,
    plugin,
  };
}

/** Chooses the capabilities of the connection from those of the server. */
export function chooseCapabilities(
  { capabilities }: Greeting,
  options: { readonly database: string | undefined; readonly localFiles: boolean },
): number {
  const wanted = 1 | CAPABILITY.protocol41 | CAPABILITY.transactions | CAPABILITY.secureConnection |
    CAPABILITY.pluginAuth | CAPABILITY.deprecateEOF |
    (options.database === undefined ? 0 : CAPABILITY.connectWithDatabase) |
    (options.localFiles ? CAPABILITY.localFiles : 0);
  return (wanted & capabilities) >>> 0;
}

/** The beginning of a login, and of the request for TLS. */
export function loginHead(capabilities: number): Uint8Array {
  const head = new Uint8Array(32);
  const view = new DataView(head.buffer);
  view.setUint32(0, capabilities, true);
  view.setUint32(4, MAX_PACKET, true);
  head[8] = UTF8MB4;
  return head;
}

/** The request for TLS, which the client sends before its login. */
export function tlsRequest(capabilities: number): Uint8Array {
  return loginHead(capabilities | CAPABILITY.tls);
}
