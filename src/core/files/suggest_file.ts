/** Suggestions for mistyped names of files. */
import { basename, dirname } from "node:path";
import { suggestWord } from "../did_you_mean.ts";
import { mayRead } from "../permission_errors.ts";

/** `, did you mean "…"` with the most similar name in the same folder; empty if it cannot be listed. */
export async function suggestFile(full: string): Promise<string> {
  const folder = dirname(full);
  if (!mayRead(folder)) return "";
  try {
    const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
    return suggestWord(basename(full), names);
  } catch {
    return "";
  }
}
