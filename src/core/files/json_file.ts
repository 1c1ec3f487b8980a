/** JSON files that dxt writes for later runs: a manifest, a pending load, a lock of modules. */
import type { z } from "zod";
import { messageOf } from "../errors.ts";

/**
 * Reads a file of this version; returns undefined if it does not exist.
 *
 * @param schema of the content besides its `version`
 * @param refuse creates the error, given what is wrong with the content
 */
export async function readJSONFile<S extends z.ZodType>(
  path: string,
  version: number,
  schema: S,
  refuse: (detail: string) => Error,
): Promise<z.infer<S> | undefined> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw refuse(`it is not JSON: ${messageOf(error)}`);
  }
  if (typeof content !== "object" || content === null) throw refuse("it is no JSON object");
  const { version: found, ...rest } = content as Record<string, unknown>;
  if (found !== version) {
    throw refuse(`its version is ${JSON.stringify(found) ?? "missing"}, expected ${version}`);
  }
  const parsed = schema.safeParse(rest);
  if (parsed.success) return parsed.data;
  const { path: key, message } = parsed.error.issues[0]!;
  throw refuse(key.length === 0 ? message : `"${key.join(".")}": ${message}`);
}

/** Formats the text of a file for {@linkcode readJSONFile}. */
export function formatJSONFile(version: number, content: object): string {
  return `${JSON.stringify({ version, ...content }, null, 2)}\n`;
}
