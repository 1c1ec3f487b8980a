/** A database of its own for each test, and the provider on it. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { readRecords } from "../../../../src/arrow/mod.ts";
import type { WatermarkRange } from "../../../../src/core/contracts/connector.ts";
import type { LoadReceipt } from "../../../../src/core/contracts/loader.ts";
import type { DXTRecord } from "../../../../src/core/values/values.ts";
import type { Field } from "../../../../src/models/field.ts";
import type { StreamSource } from "../../../../src/models/source.ts";
import type { LoadMode } from "../../../../src/models/stream.ts";
import { SqliteConnector } from "../../../../src/providers/relational/sqlite/connector.ts";
import { SqliteExtractor } from "../../../../src/providers/relational/sqlite/extractor.ts";
import { SqliteLoader } from "../../../../src/providers/relational/sqlite/loader.ts";
import { comparableRecords } from "../../../conformance/values.ts";
import { stagedOf } from "../../../support/staged.ts";
import { connectContext } from "../../../support/connect_context.ts";

const { signal } = new AbortController();

export class Database {
  readonly connector: SqliteConnector;
  /** What the connection warned of. */
  readonly warnings: string[] = [];
  readonly loader: SqliteLoader;
  readonly path: string;

  constructor(readonly folder: string, options: Record<string, unknown> = {}) {
    this.path = join(folder, "test.db");
    this.connector = new SqliteConnector(
      { path: "test.db", ...options },
      connectContext(folder, signal, this.warnings),
    );
    this.loader = new SqliteLoader(this.connector);
  }

  /** What SQLite itself does and says, beside dxt. */
  sql(text: string): void {
    using database = new DatabaseSync(this.path);
    database.exec(text);
  }

  rows(text: string): unknown[][] {
    using database = new DatabaseSync(this.path, { readOnly: true });
    return database.prepare(text).all().map((row) => Object.values(row));
  }

  async fields(source: string | StreamSource): Promise<Field[]> {
    return (await this.connector.getStreamFields(sourceOf(source)))!;
  }

  /** Comparable records of a source; `types` declares the dtypes of some fields. */
  async read(
    source: string | StreamSource,
    options: { types?: Record<string, Partial<Field>>; range?: WatermarkRange } = {},
  ): Promise<Record<string, unknown>[]> {
    const fields = await this.fields(source);
    const extraction = new SqliteExtractor(this.connector).extract({
      source: sourceOf(source),
      projections: fields.map((field) => ({
        field: { ...field, ...options.types?.[field.name] },
        column: field.name,
      })),
      ...(options.range === undefined ? {} : { range: options.range }),
      batchRows: 1000,
      batchBytes: 1 << 20,
      signal,
    });
    const records: DXTRecord[] = [];
    for await (const batch of extraction) records.push(...readRecords(batch));
    return comparableRecords(records);
  }

  load(
    table: string,
    fields: readonly Field[],
    records: readonly DXTRecord[],
    mode: LoadMode = "append",
    upsertKeys: readonly string[] = [],
  ): Promise<LoadReceipt> {
    return this.loader.load({
      target: { type: "relation", name: table },
      staged: stagedOf(fields, records),
      mode,
      upsertKeys,
      signal,
    });
  }

  max(table: string, field: string) {
    return this.loader.getMaxWatermark({ type: "relation", name: table }, field);
  }
}

function sourceOf(source: string | StreamSource): StreamSource {
  return typeof source === "string" ? { type: "relation", name: source } : source;
}

export async function withDatabase(
  work: (database: Database) => Promise<void>,
  options: Record<string, unknown> = {},
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const database = new Database(folder, options);
  try {
    await work(database);
  } finally {
    await database.connector[Symbol.asyncDispose]();
    await Deno.remove(folder, { recursive: true });
  }
}

export function field(name: string, dtype: Field["dtype"], more: Partial<Field> = {}): Field {
  return { name, dtype, nullable: true, ...more };
}
