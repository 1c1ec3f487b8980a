/** Chooses the first server of a connection that can be reached and has the wanted role. */
import { ConnectionError, isTransient } from "../../../../core/errors.ts";
import { type Address, formatAddress, listAddresses, type PostgresConfig } from "../config.ts";
import { PostgresError } from "./server_error.ts";
import { isOfKind, ROLE_QUERY, type ServerRole } from "./session_kind.ts";

/** A session that has just logged in. */
interface Candidate {
  query(sql: string): Promise<{ readonly rows: (string | null)[][] }>;
  close(): Promise<void>;
}

/** @throws {ConnectionError} when no server can be reached in time, or one refuses the login */
export async function chooseServer<S extends Candidate>(
  config: Pick<PostgresConfig, "host" | "port" | "target_session_attrs">,
  open: (server: Address) => Promise<S>,
): Promise<S> {
  const { target_session_attrs: kind } = config;
  const servers = listAddresses(config);
  const failures: string[] = [];
  let transient = false;
  const tries = kind === "prefer-standby" ? [kind, "any"] as const : [kind];
  for (const wanted of tries) {
    for (const server of servers) {
      try {
        const session = await open(server);
        if (wanted === "any" || isOfKind(wanted, await readRole(session))) return session;
        await session.close();
        // A failover makes another server the primary.
        transient = true;
        failures.push(
          `Cannot use PostgreSQL at "${
            formatAddress(server)
          }": it is not ${wanted} (target_session_attrs)`,
        );
      } catch (error) {
        const isLast = servers.length === 1 && tries.length === 1;
        if (isLast || !(error instanceof ConnectionError) || isRefusal(error)) throw error;
        failures.push(error.message);
        transient ||= isTransient(error);
      }
    }
  }
  throw new ConnectionError([...new Set(failures)].join("; "), { transient });
}

async function readRole(session: Candidate): Promise<ServerRole> {
  const { rows: [row] } = await session.query(ROLE_QUERY);
  return { isStandby: row![0] === "t", isReadOnly: row![1] === "t" };
}

/** Whether the server refused the login, as the other servers would. */
function isRefusal({ cause }: ConnectionError): boolean {
  return cause instanceof PostgresError && !cause.code.startsWith("57P") &&
    !cause.code.startsWith("53");
}
