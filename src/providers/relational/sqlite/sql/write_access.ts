/** What can be done with a database file, as the file system and SQLite say it. */
import { messageOf } from "../../../../core/errors.ts";
import { writeProblem } from "../../../../core/files/write_access.ts";
import { type DatabaseFile, exists, isBusy, tryWriting } from "./database_file.ts";

/** Problems that prevent writing or creating the file. */
export async function fileProblems(file: DatabaseFile): Promise<string[]> {
  const { path, readonly } = file;
  if (readonly) return [`the connection to "${path}" is readonly`];
  if (!exists(file)) {
    // An empty journal means nothing to SQLite, where an empty database might be taken for its own.
    const problem = await writeProblem(`${path}-journal`);
    return problem === undefined ? [] : [problem];
  }
  try {
    tryWriting(file);
    return [];
  } catch (error) {
    // Another program is writing it, so it can be written.
    return isBusy(error) ? [] : [`file "${path}" cannot be written: ${messageOf(error)}`];
  }
}
