/** Names of streams in messages about one that does not exist. */
import { suggestWord } from "../../core/did_you_mean.ts";

/** The nearest of the names, also when their schemas are left out, or else the first of them. */
export function suggestStream(wanted: string, names: readonly string[]): string {
  return suggestWord(wanted, names) || nearestBare(wanted, names) ||
    `; there are ${listNames(names)}`;
}

/** The nearest name when schemas are left out. */
function nearestBare(wanted: string, names: readonly string[]): string {
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
