/**
 * Which of several servers a connection is for.
 * https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-TARGET-SESSION-ATTRS
 */
import { describedEnum } from "../../../../models/describe.ts";

export const SessionKinds = describedEnum(
  {
    any: "The first host that answers",
    "read-write": "A host whose sessions may write",
    "read-only": "A host whose sessions may not write",
    primary: "A host that is not a standby",
    standby: "A standby",
    "prefer-standby": "A standby, otherwise the first host that answers",
  },
);
export const SESSION_KINDS = SessionKinds.options;
export type SessionKind = (typeof SESSION_KINDS)[number];

/** What a session says of its server. */
export interface ServerRole {
  readonly isStandby: boolean;
  /** Whether a transaction reads only unless it asks for more; so on a standby. */
  readonly isReadOnly: boolean;
}

/** The query whose row a role is read from, for servers that do not report it. */
export const ROLE_QUERY = `SELECT pg_catalog.pg_is_in_recovery(),
  pg_catalog.current_setting('transaction_read_only')::bool`;

/** Whether a server is of this kind. */
export function isOfKind(kind: SessionKind, { isStandby, isReadOnly }: ServerRole): boolean {
  switch (kind) {
    case "any":
      return true;
    case "read-write":
      return !isReadOnly;
    case "read-only":
      return isReadOnly;
    case "primary":
      return !isStandby;
    case "standby":
    case "prefer-standby":
      return isStandby;
  }
}
