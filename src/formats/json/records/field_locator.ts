/** Locates the values of one field in the records of a file. */
import { quoteValue, SchemaError, ValueError } from "../../../core/errors.ts";
import type { Projection } from "../../../core/contracts/extractor.ts";
import { putMissing, type PutSpan, spanPutter } from "../syntax/literals.ts";
import { findPath } from "./path.ts";
import type { Key, RecordScanner } from "./record.ts";
import { skipValue } from "../syntax/scan.ts";

/** Returns a projection's name in the file: a key, or a path of keys joined by dots. */
export function sourceName({ column, expression, field }: Projection): string {
  if (expression === undefined) return column ?? field.name;
  throw new SchemaError(
    `Cannot read field "${field.name}" from JSON: it has expression "${expression}", expected a key`,
  );
}

/** Returns the keys that may hold a projection's values: its name, and for a path its first step. */
export function sourceKeys(projection: Projection): string[] {
  const column = sourceName(projection);
  return column.includes(".") ? [column, column.slice(0, column.indexOf("."))] : [column];
}

export class FieldLocator {
  readonly #putSpan: PutSpan;
  readonly #key: Key;
  /** First key and further keys of a path, for files without a key of the full name. */
  readonly #root: Key | undefined;
  readonly #steps: readonly string[];
  #foundAs: "key" | "path" | undefined;

  /** @param at index of the field's span within a record's spans */
  constructor(
    private readonly projection: Projection,
    private readonly scanner: RecordScanner,
    private readonly at: number,
  ) {
    const [name, root] = sourceKeys(projection) as [string, string | undefined];
    this.#putSpan = spanPutter(projection.field, projection.guess);
    this.#key = scanner.wantedKey(name)!;
    // A name that was inferred as a key is not a path.
    const isKey = root === undefined || projection.guess !== undefined;
    this.#root = isKey ? undefined : scanner.wantedKey(root);
    this.#steps = name.split(".").slice(1);
  }

  /** Writes the span of the value in the last record, and returns the value's size in bytes. */
  putSpan(bytes: Uint8Array, spans: Int32Array, record: number): number {
    const key = this.#key;
    const at = record + this.at;
    if (this.scanner.has(key)) {
      this.#requireKind("key");
      this.#putSpan(bytes, key.start, key.end, key.escaped, spans, at);
      return key.end - key.start;
    }
    const root = this.#root;
    if (root !== undefined && this.#foundAs !== "key" && this.scanner.has(root)) {
      return this.#putPath(bytes, root, spans, at);
    }
    putMissing(spans, at);
    return 0;
  }

  #putPath(bytes: Uint8Array, root: Key, spans: Int32Array, at: number): number {
    const start = findPath(bytes, root.start, root.end, this.#steps, this.projection.field.name);
    if (start === -1) {
      putMissing(spans, at);
      return 0;
    }
    this.#requireKind("path");
    const end = skipValue(bytes, start, root.end);
    this.#putSpan(bytes, start, end, root.escaped, spans, at);
    return end - start;
  }

  /** Refuses a name that is a path in some records and a key in others. */
  #requireKind(found: "key" | "path"): void {
    this.#foundAs ??= found;
    if (this.#foundAs === found) return;
    const { name } = this.projection.field;
    const detail = `expected ${quoteValue(this.#key.name)} as a path, as in earlier records`;
    throw new ValueError(detail, name, undefined, this.#key.name);
  }
}
