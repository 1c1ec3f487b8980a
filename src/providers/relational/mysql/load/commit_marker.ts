/**
 * Markers of appends. MySQL keeps no record of a transaction that a later session could ask for. An append
 * therefore writes its id into a table beside its target, in the same transaction: a row for each target,
 * whose id is that of the last append that was committed.
 */
import { z } from "zod";
import type { LoadOutcome } from "../../../../core/contracts/loader.ts";
import { messageOf } from "../../../../core/errors.ts";
import { quoteTable } from "../../names.ts";
import { MARKERS, type MySQLTable } from "../catalog.ts";
import { dialect, textLiteral } from "../dialect.ts";
import { isDenied } from "../privileges.ts";
import { MySQLError } from "../wire/server_error.ts";
import type { Session } from "../wire/session.ts";

const NO_SUCH_TABLE = 1146;

/** What a run that was cut off remembers of its append. */
export const Marker = z.strictObject({
  /** Id of the append. */
  id: z.string(),
  /** Id of the append before; null without one. */
  before: z.string().nullable(),
});
export type Marker = z.infer<typeof Marker>;

type Place = Pick<MySQLTable, "schema" | "table">;

/**
 * Statements that an append into this table runs for its marker; none if the table of the markers exists, or
 * the login may not see it.
 */
export async function markerStatements(session: Session, place: Place): Promise<string[]> {
  try {
    return await hasMarkers(session, place) ? [] : [createMarkers(place)];
  } catch (error) {
    if (isDenied(error)) return [];
    throw error;
  }
}

/**
 * Creates the table of the markers if it does not exist, and returns a marker for an append; undefined, with
 * a warning, for a login that may not create or write it. Ends a transaction.
 */
export async function prepareMarker(
  session: Session,
  place: Place,
  warn: (message: string) => void,
): Promise<Marker | undefined> {
  try {
    for (const statement of await markerStatements(session, place)) await session.query(statement);
    await session.describe(writeMarker(place, ""));
    return { id: crypto.randomUUID(), before: await readMarker(session, place) };
  } catch (error) {
    if (!isDenied(error)) throw error;
    warn(
      `Whether an append was committed cannot be told if the run is killed right then: ${
        messageOf(error)
      }; grant CREATE on the database, or INSERT, DELETE and SELECT on "${MARKERS}"`,
    );
    return undefined;
  }
}

/** The statement that marks an append, within its transaction. */
export function writeMarker(place: Place, id: string): string {
  const values = [place.table, id].map(textLiteral);
  return `REPLACE INTO ${nameMarkers(place)} VALUES (${values.join(", ")}, UTC_TIMESTAMP())`;
}

/** What became of an append, by its marker. */
export async function findMarked(
  session: Session,
  place: Place,
  { id, before }: Marker,
): Promise<LoadOutcome> {
  if (!await hasMarkers(session, place)) return "unknown";
  const last = await readMarker(session, place);
  if (last === id) return "committed";
  // Another append has been committed since, and its marker took the place of this one.
  return last === before ? "aborted" : "unknown";
}

function createMarkers(place: Place): string {
  return `CREATE TABLE IF NOT EXISTS ${nameMarkers(place)} (table_name varchar(64) ` +
    "CHARACTER SET utf8 COLLATE utf8_bin PRIMARY KEY, load_id char(36) NOT NULL, " +
    "committed_at datetime NOT NULL) ENGINE=InnoDB";
}

async function hasMarkers(session: Session, place: Place): Promise<boolean> {
  try {
    await readMarker(session, place);
    return true;
  } catch (error) {
    if (error instanceof MySQLError && error.code === NO_SUCH_TABLE) return false;
    throw error;
  }
}

async function readMarker(session: Session, place: Place): Promise<string | null> {
  const { rows: [row] } = await session.query(
    `SELECT load_id FROM ${nameMarkers(place)} WHERE table_name = ${textLiteral(place.table)}`,
  );
  return row?.[0] ?? null;
}

function nameMarkers({ schema }: Place): string {
  return quoteTable({ schema, name: MARKERS }, dialect);
}
