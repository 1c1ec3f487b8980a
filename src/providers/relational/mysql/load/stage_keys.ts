/** Writes all keys of the source into a temporary table, if the stage has only some of its rows. */
import type { LoadTask } from "../../../../core/contracts/loader.ts";
import { VerificationError } from "../../../../core/errors.ts";
import { addStaged, describeKeyLoad } from "../../load/deletes.ts";
import { quote } from "../dialect.ts";
import type { Target } from "../system.ts";
import type { Session } from "../wire/session.ts";
import { sendRows } from "./send_rows.ts";
import { createStaging } from "./staged_upsert.ts";

/** A table that is filled in the transaction of the load. */
export interface KeyTable {
  /**
   * Writes the keys of the source and of the staged rows; returns the quoted name of the table.
   *
   * @param staging quoted name of the table of the staged rows
   * @throws {VerificationError} when the server took another number of keys than are staged
   */
  write(staging: string): Promise<string>;
}

/** Creates the table; undefined where the stage has all keys. No transaction may be open. */
export async function prepareKeys(
  session: Session,
  task: LoadTask,
  target: Target,
): Promise<KeyTable | undefined> {
  const load = describeKeyLoad(task, target);
  if (load === undefined) return undefined;
  const names = load.target.columns.map(({ column }) => quote(column.name));
  const table = await createStaging(session, target.table, names, names);
  return {
    async write(staging) {
      const taken = await sendRows(session, load.task, load.target, table);
      const { count } = await load.task.staged.committed();
      await session.query(addStaged(table, staging, names));
      if (taken === count) return table;
      throw new VerificationError(
        `Cannot delete rows of ${target.table.label}: MySQL took ${taken} keys of the source, staged are ${count}`,
      );
    },
  };
}
