/** Names columns that have no name or a duplicate one, by the same rule for every source. */

/** A column whose name was changed. */
export interface MadeName {
  /** Position of the column, from 1. */
  readonly position: number;
  /** Name in the source; empty when it has none. */
  readonly found: string;
  readonly name: string;
}

export interface ColumnNames {
  /** Unique and not empty, one for each column. */
  readonly names: readonly string[];
  readonly made: readonly MadeName[];
}

/**
 * Returns a unique name for each column. The first column with a name keeps it. A later one with the
 * same name gets the suffix `_2`, or the next free number; one without a name becomes `column_` and
 * its position.
 */
export function nameColumns(found: readonly string[]): ColumnNames {
  const taken = new Set(found);
  const seen = new Set<string>();
  const made: MadeName[] = [];
  const names = found.map((name, i) => {
    if (name !== "" && !seen.has(name)) {
      seen.add(name);
      return name;
    }
    const free = freeName(name === "" ? `column_${i + 1}` : name, taken);
    taken.add(free);
    made.push({ position: i + 1, found: name, name: free });
    return free;
  });
  return { names, made };
}

function freeName(wanted: string, taken: ReadonlySet<string>): string {
  if (!taken.has(wanted)) return wanted;
  let number = 2;
  while (taken.has(`${wanted}_${number}`)) number++;
  return `${wanted}_${number}`;
}

/** Changed names that a warning lists; it only counts the others. */
const LISTED = 5;

/**
 * The warning about changed names.
 *
 * @param source kind and name, such as `file "a.csv"`
 */
export function describeMadeNames(source: string, made: readonly MadeName[]): string {
  const list = made.slice(0, LISTED).map(({ position, found, name }) => {
    const why = found === ""
      ? "has no name"
      : `has the same name as an earlier column, ${quote(found)}`;
    return `column ${position} ${why}, and is read as ${quote(name)}`;
  });
  if (made.length > LISTED) list.push(`${made.length - LISTED} more columns were renamed`);
  return `Made names for columns of ${source}: ${list.join("; ")}`;
}

function quote(name: string): string {
  return JSON.stringify(name);
}
