/** What a session must have set so that the server's text means the same everywhere. */
import type { PostgresConfig } from "../config.ts";
import { quote, quoteText } from "./dialect.ts";

/**
 * Text formats of the types that are moved as text. Set for one transaction only, so that a pooled
 * connection is given back as it was.
 */
const SETTINGS = {
  DateStyle: "ISO, YMD",
  IntervalStyle: "iso_8601",
  TimeZone: "UTC",
  extra_float_digits: "3",
  bytea_output: "hex",
  lc_monetary: "C",
  xmloption: "content",
  standard_conforming_strings: "on",
  // A transaction may wait for the other system, or for parts that other sessions read.
  idle_in_transaction_session_timeout: "0",
} as const;

/** The search path that a connection's `schema` means; types of extensions are often in public. */
export function searchPath(schema: string): string {
  return `${quote(schema)}, public`;
}

/**
 * `read` sees one moment from its first statement on. `export` sees a new one with each statement: its
 * locks come first, and the snapshot that it exports is later than they are.
 */
export type TransactionMode = "read" | "export" | "write";

const BEGIN: Readonly<Record<TransactionMode, string>> = {
  read: "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
  export: "BEGIN ISOLATION LEVEL READ COMMITTED, READ ONLY",
  // Without READ WRITE the default of the login, the database or the server holds.
  write: "BEGIN ISOLATION LEVEL READ COMMITTED",
};

/**
 * Seconds that a part waits for a lock. Its table is locked by the session that exported the snapshot,
 * so it can only wait behind one that waits for that session, which in turn waits for the parts.
 */
export const PART_LOCK_TIMEOUT = 2;

/** Statements that begin a transaction, which sees what another one does where it has its snapshot. */
export function beginStatement(
  mode: TransactionMode,
  config: Pick<PostgresConfig, "schema" | "row_security">,
  snapshot?: string,
): string {
  const settings = Object.entries({
    ...SETTINGS,
    // The server itself refuses writes that violate a policy.
    ...(mode === "write" ? {} : { row_security: config.row_security }),
    ...(snapshot === undefined ? {} : { lock_timeout: `${PART_LOCK_TIMEOUT}s` }),
  }).map(([name, value]) => `SET LOCAL ${name} = '${value}'`);
  const path = config.schema === undefined
    ? []
    : [`SET LOCAL search_path = ${searchPath(config.schema)}`];
  // A snapshot can be taken over only before the first statement that needs one.
  const same = snapshot === undefined ? [] : [`SET TRANSACTION SNAPSHOT ${quoteText(snapshot)}`];
  return [BEGIN[mode], ...same, ...settings, ...path].join("; ");
}
