/** Dotted names of tables: `orders`, `sales.orders`, or with a part in double quotes that holds a dot. */

const PARTS = /"(?:[^"]|"")*"|[^."]+/g;

/** Splits a name at its dots, and unquotes its parts; a name that is not of this form is one part. */
export function splitName(name: string): string[] {
  const parts = name.match(PARTS) ?? [name];
  return parts.join(".") === name ? parts.map(unquote) : [name];
}

function unquote(part: string): string {
  return part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part;
}

/** Joins parts so that {@linkcode splitName} finds them again. */
export function joinName(parts: readonly string[]): string {
  return parts.map((part) => /^[^."]+$/.test(part) ? part : `"${part.replaceAll('"', '""')}"`)
    .join(".");
}
