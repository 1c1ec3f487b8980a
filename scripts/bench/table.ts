/** Formats text tables, with numbers aligned to the right. */

export interface Column {
  readonly title: string;
  readonly align: "left" | "right";
}

/** A title line and one line per row; missing cells are empty. */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): string {
  const titles = columns.map(({ title }) => title);
  const widths = columns.map((_, at) =>
    Math.max(...[titles, ...rows].map((row) => [...row[at] ?? ""].length))
  );
  const line = (row: readonly string[]) =>
    columns.map(({ align }, at) => {
      const [text, width] = [row[at] ?? "", widths[at]!];
      const blanks = " ".repeat(width - [...text].length);
      return align === "left" ? text + blanks : blanks + text;
    }).join("  ").trimEnd();
  return [titles, ...rows].map(line).join("\n");
}
