/** The source of a stream as its pipeline spells it, for a file that may be committed. */
import { maskSecrets, SECRET_KEY } from "../../core/errors.ts";

/** A copy of a JSON value without what looks like a secret: a header of a request may hold one. */
export function describeWritten(source: unknown): unknown {
  return JSON.parse(JSON.stringify(source, (key, value) => {
    if (SECRET_KEY.test(key)) return "***";
    return typeof value === "string" ? maskSecrets(value) : value;
  }));
}
