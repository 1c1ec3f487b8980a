/** Whether a login may read a source or write a target, found out without moving data. */
import type { Access } from "../../core/contracts/connector.ts";
import { ConfigurationError, messageOf, SchemaError } from "../../core/errors.ts";
import type { StreamSource, StreamTarget } from "../../models/source.ts";
import type { LoadMode } from "../../models/stream.ts";
import type { Dialect, TableName } from "./contract.ts";
import { displayTable, tableName } from "./names.ts";
import { selectAll } from "./select.ts";

/**
 * Compiles the statement that reads all of a source: the system holds rights and names against it, and
 * reads no row.
 *
 * @param isRefusal whether an error is the system's answer; others are thrown
 */
export async function checkRead(
  source: StreamSource,
  dialect: Dialect,
  compile: (sql: string) => Promise<unknown>,
  isRefusal: (error: unknown) => boolean,
): Promise<Access> {
  const action = source.type === "relation"
    ? `read ${displayTable(tableName(source))}`
    : `read the ${source.type}`;
  try {
    await compile(selectAll(source, dialect));
    return { action, problems: [] };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return { action, problems: [messageOf(error)] };
  }
}

/** Rights to a table that a load of each mode uses: a replacement looks for rows that others refer to. */
export const RIGHTS_OF_MODE: Readonly<Record<LoadMode, readonly string[]>> = {
  append: ["INSERT"],
  replace: ["SELECT", "INSERT", "DELETE"],
  upsert: ["SELECT", "INSERT", "UPDATE"],
  scd2: ["SELECT", "INSERT", "UPDATE"],
};

/** What a provider says of a target. */
export interface WriteRights {
  readonly exists: boolean;
  /** All that stands in the way of a load. */
  readonly problems: readonly string[];
}

/**
 * @param rights asks the system for the rights of the login
 * @param isRefusal whether another error than one of names is the system's answer
 */
export async function checkWrite(
  target: StreamTarget,
  mode: LoadMode,
  rights: (table: TableName) => Promise<WriteRights>,
  isRefusal: (error: unknown) => boolean = () => false,
): Promise<Access> {
  try {
    const table = tableName(target);
    const label = displayTable(table);
    const { exists, problems } = await rights(table);
    return {
      action: exists
        ? `${mode === "scd2" ? "keep history in" : mode} ${label}`
        : `create and write ${label}`,
      problems,
    };
  } catch (error) {
    const isName = error instanceof ConfigurationError || error instanceof SchemaError;
    if (!isName && !isRefusal(error)) throw error;
    return { action: "write", problems: [messageOf(error)] };
  }
}
