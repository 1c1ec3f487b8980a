/** Suggests names of streams in messages about a missing one. */
import { suggestWord } from "./did_you_mean.ts";

/** Suggests the nearest name, then the nearest without its schema; otherwise lists the first names. */
export function suggestStream(wanted: string, names: readonly string[]): string {
  return suggestWord(wanted, names) || suggestBareName(wanted, names) ||
    `; there are ${listNames(names)}`;
}

/** The nearest name when schemas are left out. */
function suggestBareName(wanted: string, names: readonly string[]): string {
  const bare = new Map(names.map((name) => [name.replace(/^.*\.(?=[^.]+$)/, ""), name]));
  const found = /"(.*)"/s.exec(suggestWord(wanted, [...bare.keys()]))?.[1];
  return found === undefined ? "" : `, did you mean "${bare.get(found)}"`;
}

const MOST_LISTED = 8;

export function listNames(names: readonly string[]): string {
  if (names.length === 0) return "none";
  const shown = names.slice(0, MOST_LISTED).map((name) => `"${name}"`).join(", ");
  return names.length > MOST_LISTED ? `${shown} and ${names.length - MOST_LISTED} more` : shown;
}
