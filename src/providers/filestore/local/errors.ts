/** What went wrong with a file, where the runtime's words do not tell what to do. */
import { ConnectorError, DXTError, messageOf } from "../../../core/errors.ts";
import type { BaseDirectory } from "./paths.ts";

export type Purpose = "read" | "write";

/** The error to throw for one that the runtime threw. */
export function explainError(
  error: unknown,
  access: Purpose,
  full: string,
  base: BaseDirectory,
): unknown {
  if (error instanceof DXTError) return error;
  const refuse = (why: string) =>
    new ConnectorError(`Cannot ${access} "${base.show(full)}": ${why}`, { cause: error });
  if (error instanceof Deno.errors.NotCapable) return refuse(messageOf(error));
  if (error instanceof Deno.errors.PermissionDenied) return refuse("the system denies permission");
  if (error instanceof Deno.errors.NotFound) return refuse("it does not exist");
  if (error instanceof Deno.errors.NotADirectory) {
    return refuse("a file is where a folder should be");
  }
  switch ((error as { code?: unknown }).code) {
    case "ENOSPC":
    case "EDQUOT":
      return refuse("no space is left on the device, the target is as it was");
    case "EISDIR":
      return refuse("it is a folder, expected a file");
    case "EROFS":
      return refuse("the file system is read-only");
    case "EMFILE":
      return refuse("too many files are open");
    default:
      return error;
  }
}

/** Calls `work` and explains what it throws. */
export async function withExplanation<T>(
  access: Purpose,
  full: string,
  base: BaseDirectory,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explainError(error, access, full, base);
  }
}
