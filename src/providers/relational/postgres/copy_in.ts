/** Staged rows → a table, by COPY inside a transaction. */
import { ConnectionError, LoaderError } from "../../../core/errors.ts";
import type { LoadTask } from "../../../core/loader.ts";
import { quote } from "./dialect.ts";
import { formatOf, framesOf } from "./frames.ts";
import { rowsOfTag } from "./messages.ts";
import type { Session } from "./session.ts";
import { shown, type Target } from "./target.ts";

/** Copies the staged rows, and holds the server's count against the stage's. */
export async function copy(
  session: Session,
  task: LoadTask,
  target: Target,
  into: string,
): Promise<string> {
  const names = target.columns.map(({ field }) => quote(field.name)).join(", ");
  const format = formatOf(target.columns);
  const tag = await session.copyIn(
    `COPY ${into} (${names}) FROM STDIN (FORMAT ${format})`,
    framesOf(task.staged.readBatches(true), target.columns, format, task.signal),
  );
  if (rowsOfTag(tag) !== task.staged.count) {
    throw new LoaderError(
      `Cannot load all rows into ${
        shown(target.name)
      }: PostgreSQL says "${tag}", staged are ${task.staged.count}`,
    );
  }
  return tag;
}

/** @throws {LoaderError} when the connection is lost before the answer, too */
export async function commit(session: Session): Promise<void> {
  let tag: string;
  try {
    ({ tag } = await session.query("COMMIT"));
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
    throw new LoaderError(
      `Cannot tell whether the load was committed: ${error.message}`,
      { cause: error },
    );
  }
  if (tag !== "COMMIT") throw new LoaderError(`Cannot commit the load: PostgreSQL says "${tag}"`);
}
