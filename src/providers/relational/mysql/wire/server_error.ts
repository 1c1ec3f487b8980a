/** Errors that the server sends. */
import { ConnectorError } from "../../../../core/errors.ts";
import { decode, PayloadReader } from "./packets.ts";

/** Fields of an ERR packet. */
export interface ServerReport {
  readonly code: number;
  /** SQLSTATE */
  readonly state: string;
  readonly message: string;
}

/** Replaces values of records, which logs show only on request. */
const HIDDEN = "(… hidden, see --show-values)";

/** Duplicate keys, whose messages quote the key: ER_DUP_ENTRY and its siblings. */
const OF_KEYS: ReadonlySet<number> = new Set([1022, 1062, 1169, 1586, 1859]);

/** An error of the server, in its own words with its number and SQLSTATE. */
export class MySQLError extends ConnectorError {
  /** `showValues` lets the message quote keys, as the server does. */
  constructor(readonly report: ServerReport, showValues = false) {
    const { code, state } = report;
    const text = showValues ? report.message : hideKeys(report);
    super(`${text.replace(/\.$/, "")} (error ${code}, SQLSTATE ${state})`, {
      transient: PASSING.has(code),
    });
  }

  get code(): number {
    return this.report.code;
  }
}

/** A message without the key that it quotes; a single value that a type cannot hold stays. */
export function hideKeys({ code, message }: Pick<ServerReport, "code" | "message">): string {
  return OF_KEYS.has(code) ? message.replace(/'.*'(?=[^']*'[^']*'[^']*$)/s, HIDDEN) : message;
}

export function parseError(payload: Uint8Array): ServerReport {
  const reader = new PayloadReader(payload, 1);
  const code = reader.uint16();
  const rest = decode(reader.rest());
  const [, state = "HY000", message = rest] = /^#(.{5})(.*)$/s.exec(rest) ?? [];
  return { code, state, message: message || "the server gave no message" };
}

/**
 * Codes of transient errors: too many connections (1040, 1203, 1226), shutdown and killed connections (1053,
 * 1077, 1079, 1927, 4031), network (1158 to 1161), lock timeout (1205) and deadlock (1213).
 */
const PASSING: ReadonlySet<number> = new Set([
  ...[1040, 1053, 1077, 1079, 1158, 1159, 1160, 1161, 1203, 1205, 1213, 1226, 1927, 4031],
]);

/** Whether the server ended the connection, or the statement, with this error: shut down or killed. */
export function isConnectionEnd(error: unknown): boolean {
  return error instanceof MySQLError && [1053, 1077, 1079, 1927, 4031].includes(error.code);
}
