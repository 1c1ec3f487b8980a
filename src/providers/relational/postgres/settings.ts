/** What a session must have set so that the server's text means the same everywhere. */
import type { PostgresConfig } from "./config.ts";
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
} as const;

/** The search path that a connection's `schema` means; types of extensions are often in public. */
export function searchPath(schema: string): string {
  return `${quote(schema)}, public`;
}

export type TransactionMode = "read" | "write";

/** Statements that begin a transaction, which sees what another one does where it has its snapshot. */
export function beginStatement(
  mode: TransactionMode,
  config: PostgresConfig,
  snapshot?: string,
): string {
  const begin = mode === "read"
    ? "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
    : "BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE";
  const settings = Object.entries(SETTINGS)
    .map(([name, value]) => `SET LOCAL ${name} = '${value}'`);
  const path = config.schema === undefined
    ? []
    : [`SET LOCAL search_path = ${searchPath(config.schema)}`];
  // A snapshot can be taken over only before the first statement that needs one.
  const same = snapshot === undefined ? [] : [`SET TRANSACTION SNAPSHOT ${quoteText(snapshot)}`];
  return [begin, ...same, ...settings, ...path].join("; ");
}
