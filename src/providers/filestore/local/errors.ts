/** Explains errors of the file system where the runtime's message gives no remedy. */
import { ConnectorError, DXTError, messageOf } from "../../../core/errors.ts";
import type { BaseDirectory } from "./paths.ts";

export type Purpose = "read" | "write";

/** Returns the error to throw in place of an error of the runtime. */
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
  if (error instanceof Deno.errors.PermissionDenied) return refuse("permission denied");
  if (error instanceof Deno.errors.NotFound) return refuse("it does not exist");
  if (error instanceof Deno.errors.NotADirectory) {
    return refuse("part of its path is a file, expected a folder");
  }
  switch ((error as { code?: unknown }).code) {
    case "ENOSPC":
    case "EDQUOT":
      return refuse("no space is left on the device, the target is unchanged");
    case "EISDIR":
      return refuse("it is a folder, expected a file");
    case "EROFS":
      return refuse("the file system is read-only");
    case "EMFILE":
      return refuse("too many files are open");
    case "ENAMETOOLONG":
      return refuse("its name is too long for the file system");
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
