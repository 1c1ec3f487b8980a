/** One check's connection to the system under test, and what every check does with it. */
import assert from "node:assert/strict";
import { createExtractTask as asTask, readRecords, valueReaders } from "../../../src/arrow/mod.ts";
import type { Connector, WatermarkRange } from "../../../src/core/contracts/connector.ts";
import { DXTError } from "../../../src/core/errors.ts";
import type {
  ExtractTask,
  Part,
  Partition,
  PartitionSettings,
  Projection,
  RecordExtractor,
} from "../../../src/core/contracts/extractor.ts";
import type { Claim } from "../../../src/core/files/run_lock.ts";
import type {
  CommitJournal,
  CommitRecord,
  Deletes,
  ExpectedWatermark,
  History,
  Loader,
  LoadOutcome,
  LoadReceipt,
  RowFault,
} from "../../../src/core/contracts/loader.ts";
import { omitRejected } from "../../../src/integrity/accepted_rows.ts";
import { createVerification } from "../../../src/integrity/verify_rows.ts";
import type { StagedData } from "../../../src/core/contracts/buffer.ts";
import type { CompletionProof } from "../../../src/core/contracts/proof.ts";
import type { LoaderClass, Provider } from "../../../src/core/contracts/provider.ts";
import {
  type DXTRecord,
  formatValue,
  parseText,
  type Value,
} from "../../../src/core/values/values.ts";
import type { Field } from "../../../src/models/field.ts";
import type { StreamSource, StreamTarget } from "../../../src/models/source.ts";
import type { LoadPlan } from "../../../src/core/contracts/loader.ts";
import { isKeyed } from "../../../src/models/rules.ts";
import type { LoadMode, LossRule, SchemaRule, VerifyLevel } from "../../../src/models/stream.ts";
import { stagedOf, type StagedOptions } from "../../support/staged.ts";
import { comparableRecords } from "../values.ts";
import { connectContext } from "../../support/connect_context.ts";

export interface LoadOptions extends StagedOptions {
  readonly mode?: LoadMode;
  readonly upsertKeys?: readonly string[];
  readonly where?: string;
  readonly deletes?: Deletes;
  /** All keys of the source, for a load with `deletes` whose records are those of a range. */
  readonly keys?: readonly DXTRecord[];
  /** Unset for mode scd2, which then has the columns of {@linkcode HISTORY}. */
  readonly history?: History;
  readonly lossy?: LossRule;
  readonly schema?: SchemaRule;
  readonly verify?: VerifyLevel;
  readonly signal?: AbortSignal;
  readonly claim?: Claim;
  readonly expected?: ExpectedWatermark;
  readonly journal?: CommitJournal;
  readonly connector?: Connector;
  /** Receives the rows that the target refuses; unset, the first of them fails the load. */
  readonly rejected?: RejectedRow[];
  /** Called after the rows were written, and before they are compared with the stage. */
  readonly beforeProof?: () => void | Promise<void>;
}

/** A row that a load rejected. */
export interface RejectedRow extends RowFault {
  /** Number in the stage, from 1. */
  readonly row: number;
  readonly values: Value[];
}

export interface ReadOptions {
  readonly projections?: readonly Projection[];
  readonly range?: WatermarkRange;
  readonly limit?: number;
  readonly part?: Part;
  readonly batchRows?: number;
  readonly signal?: AbortSignal;
  readonly connector?: Connector;
}

export interface Read {
  readonly records: DXTRecord[];
  /** Rows of each batch. */
  readonly sizes: number[];
  readonly proof: CompletionProof;
}

export interface TrialSettings {
  readonly provider: Provider;
  /** Unset: all modes of the provider's loader. */
  readonly modes?: readonly LoadMode[];
  readonly config: unknown;
  readonly sql?: ((text: string) => Promise<unknown>) | undefined;
  readonly target: (name: string) => StreamTarget;
  readonly widens: (field: Field) => Partial<Field>;
  readonly timestampType: string;
  readonly holds: (value: Exclude<Value, null>, field: Field) => boolean;
}

export class Trial implements AsyncDisposable {
  readonly provider: Provider;
  readonly config: unknown;
  /** What the connections warned of. */
  readonly warnings: string[] = [];
  readonly #settings: TrialSettings;
  readonly #connectors: Connector[] = [];
  readonly #controller = new AbortController();

  constructor(settings: TrialSettings) {
    this.#settings = settings;
    this.provider = settings.provider;
    this.config = settings.config;
  }

  /** Another connection to the same system, closed at the end of the check. */
  async open(): Promise<Connector> {
    const config = this.provider.config.parse(this.config);
    const connector = await this.provider.connect(
      config,
      connectContext(Deno.cwd(), this.#controller.signal, this.warnings),
    );
    this.#connectors.push(connector);
    return connector;
  }

  /** The first connection. */
  async connector(): Promise<Connector> {
    return this.#connectors[0] ?? await this.open();
  }

  /** Runs statements on the system, beside dxt. */
  async sql(text: string): Promise<void> {
    assert.ok(this.#settings.sql !== undefined, "the test gives no way to run SQL");
    await this.#settings.sql(text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connector of this.#connectors) await connector[Symbol.asyncDispose]();
  }

  /** The target of a name; a relation's name is quoted, so that it may hold anything. */
  target(name: string): StreamTarget {
    return this.#settings.target(
      this.provider.category === "relational" ? `"${name.replaceAll('"', '""')}"` : name,
    );
  }

  source(name: string): StreamSource {
    return this.target(name) as StreamSource;
  }

  /** Modes of the loader that the checks use. */
  get modes(): readonly LoadMode[] {
    return this.#settings.modes ?? modesOf(this.loaderClass);
  }

  /** Modes that load any table with columns for the fields. */
  get plainModes(): readonly LoadMode[] {
    return this.modes.filter((mode) => mode !== "scd2");
  }

  /** Modes in which a load that fails leaves the target as it was. */
  get undoneModes(): readonly LoadMode[] {
    return this.modes.filter((mode) => this.loaderClass.modes[mode] !== "at least once");
  }

  async loader(connector?: Connector): Promise<Loader> {
    const options = this.loaderClass.options.parse({});
    return await this.loaderClass.create(connector ?? await this.connector(), options);
  }

  /** The class of the loader that the checks use. */
  get loaderClass(): LoaderClass {
    return recordLoaderClass(this.provider);
  }

  /** What became of a load, from the record that it left in its journal. */
  async outcome(target: StreamTarget, record: CommitRecord): Promise<LoadOutcome> {
    return await this.loaderClass.getOutcome!(await this.connector(), target, record);
  }

  async extractor(connector?: Connector): Promise<RecordExtractor> {
    const found = Object.values(this.provider.extractors).find((e) => e.yields === "records");
    assert.ok(found !== undefined, "no extractor yields records");
    const options = found.options.parse({});
    return await found.create(connector ?? await this.connector(), options) as RecordExtractor;
  }

  async load(
    name: string,
    fields: readonly Field[],
    records: readonly DXTRecord[],
    options: LoadOptions = {},
  ): Promise<LoadReceipt> {
    const loader = await this.loader(options.connector);
    const { claim, expected, journal, upsertKeys = [], where, deletes } = options;
    const history = historyOf(options);
    const { keys, ...staging } = options;
    const whole = keys === undefined ? stagedOf(fields, records, staging) : rangeOf(
      stagedOf(fields, records, staging),
    );
    const { rejected } = options;
    const numbers = new Set<number>();
    const staged = rejected === undefined ? whole : omitRejected(whole, numbers);
    // Each load of these checks proves all of its values.
    const verify = createVerification(staged, upsertKeys, options.verify);
    return await loader.load({
      ...(rejected === undefined ? {} : {
        rejects: true,
        rejections: {
          reject(row, batch, at, fault) {
            numbers.add(row);
            const values = valueReaders(batch, fields).map((read) => read(at));
            rejected.push({ ...fault, row, values });
          },
          seal: () => Promise.resolve(),
        },
      }),
      ...{ claim, expected, journal, staged, upsertKeys, where, deletes, history },
      keys: keys &&
        stagedOf(fields.filter(({ name }) => upsertKeys.includes(name)).reverse(), keys),
      target: this.target(name),
      mode: options.mode ?? "replace",
      verify: async (rows) => {
        await options.beforeProof?.();
        return await verify(rows);
      },
      ...(options.lossy === undefined ? {} : { lossy: options.lossy }),
      schema: options.schema,
      signal: options.signal ?? this.#controller.signal,
    });
  }

  /** What a load would do. */
  async plan(
    name: string,
    fields: readonly Field[],
    options: Pick<
      LoadOptions,
      "mode" | "upsertKeys" | "where" | "deletes" | "history" | "lossy" | "schema"
    > = {},
  ): Promise<LoadPlan> {
    return await (await this.loader()).plan({
      target: this.target(name),
      staged: { kind: "records", fields },
      mode: options.mode ?? "replace",
      upsertKeys: options.upsertKeys ?? [],
      where: options.where,
      deletes: options.deletes,
      history: historyOf(options),
      ...(options.lossy === undefined ? {} : { lossy: options.lossy }),
      schema: options.schema,
      signal: this.#controller.signal,
    });
  }

  async fields(source: string | StreamSource, connector?: Connector): Promise<Field[]> {
    const ref = typeof source === "string" ? this.source(source) : source;
    const fields = await (connector ?? await this.connector()).getStreamFields(ref);
    assert.ok(fields !== undefined, `there is no ${JSON.stringify(ref)}`);
    return fields;
  }

  async exists(name: string): Promise<boolean> {
    return await (await this.connector()).getStreamFields(this.source(name)) !== undefined;
  }

  /** An extraction that has not begun. */
  async extraction(source: string | StreamSource, options: ReadOptions = {}) {
    const extractor = await this.extractor(options.connector);
    return extractor.extract(await this.#task(source, options));
  }

  /** The parts of an extraction. */
  async partition(
    source: string | StreamSource,
    settings: PartitionSettings,
    options: ReadOptions = {},
  ): Promise<Partition> {
    const extractor = await this.extractor(options.connector);
    return await extractor.partition(await this.#task(source, options), settings);
  }

  async #task(source: string | StreamSource, options: ReadOptions): Promise<ExtractTask> {
    const ref = typeof source === "string" ? this.source(source) : source;
    const projections = options.projections ??
      (await this.fields(ref, options.connector)).map((field) => ({ field, column: field.name }));
    return asTask({
      source: ref,
      projections,
      ...(options.range === undefined ? {} : { range: options.range }),
      ...(options.limit === undefined ? {} : { limit: options.limit }),
      batchRows: options.batchRows ?? 1000,
      batchBytes: 1 << 24,
      ...(options.part === undefined ? {} : { part: options.part }),
      signal: options.signal ?? this.#controller.signal,
    });
  }

  async read(source: string | StreamSource, options: ReadOptions = {}): Promise<Read> {
    return await drain(await this.extraction(source, options));
  }

  /** The records of a target, comparable, in the order of their text. */
  async rows(source: string | StreamSource, options: ReadOptions = {}): Promise<string[]> {
    return rowsOf((await this.read(source, options)).records);
  }

  /** A field as the system gives it back. */
  widen(field: Field): Field {
    return { ...field, ...this.#settings.widens(field) };
  }

  /** The system's SQL for a date and time without a zone. */
  get timestampType(): string {
    return this.#settings.timestampType;
  }

  /** Whether the system has a place for a value. */
  holds(value: Value | undefined, field: Field): boolean {
    return value === null || value === undefined || this.#settings.holds(value, field);
  }

  /** A value as the system gives it back. */
  widenValue(value: Value, field: Field): Value {
    if (value === null) return null;
    const widened = this.widen(field);
    // A moment whose system has no zones is the date and time that it is in UTC.
    const isInUTC = field.dtype === "timestamp_tz" && widened.dtype === "timestamp";
    // Only text widens a float32: the double has the digits of the text.
    const text = formatValue(value, field.dtype);
    return parseText(isInUTC ? text.replace(/Z$/, "") : text, widened);
  }

  widenRecords(fields: readonly Field[], records: readonly DXTRecord[]): DXTRecord[] {
    return records.map((record) =>
      Object.fromEntries(
        fields.map((field) => [field.name, this.widenValue(record[field.name] ?? null, field)]),
      )
    );
  }

  /** Rows that `records` become, as {@linkcode rows} returns them. */
  expected(fields: readonly Field[], records: readonly DXTRecord[]): string[] {
    return rowsOf(this.widenRecords(fields, records));
  }
}

/** Reads an extraction to its end and holds its proof against what came, after `begun`. */
export async function drain(
  extraction: Awaited<ReturnType<Trial["extraction"]>>,
  begun: readonly DXTRecord[] = [],
): Promise<Read> {
  const records = [...begun];
  const sizes: number[] = [];
  while (true) {
    const { done, value } = await extraction.next();
    if (done) {
      assert.ok(value !== undefined, "the extraction ended without a proof");
      assert.equal(value.rows, records.length, "the proof speaks of another number of rows");
      assert.notEqual(value.evidence, "");
      return { records, sizes, proof: value };
    }
    assert.ok(value.numRows > 0, "an empty batch came");
    sizes.push(value.numRows);
    records.push(...readRecords(value));
  }
}

/** Records as comparable text, sorted: tables have no order. */
export function rowsOf(records: readonly DXTRecord[]): string[] {
  return comparableRecords(records).map((record) =>
    Object.entries(record)
      .map(([name, value]) => `${name}=${Object.is(value, -0) ? "-0" : String(value)}`).join("|")
  ).sort();
}

/** Fails unless `work` is refused with an error that dxt raises on purpose. */
export async function refused(work: () => Promise<unknown>, words?: RegExp): Promise<Error> {
  try {
    await work();
  } catch (error) {
    assert.ok(error instanceof DXTError, `expected an error of dxt, got ${String(error)}`);
    if (words !== undefined) assert.match(error.message, words);
    return error;
  }
  return assert.fail("expected an error of dxt, nothing was thrown");
}

/** The columns of mode scd2 by which the checks tell versions apart. */
export const HISTORY: History = {
  validFrom: "valid_from",
  validTo: "valid to",
  isCurrent: "is_current",
};

function historyOf(
  { mode, history }: Pick<LoadOptions, "mode" | "history">,
): History | undefined {
  return mode === "scd2" ? history ?? HISTORY : undefined;
}

/** A stage with the records of a range. */
function rangeOf(staged: StagedData): StagedData {
  return { ...staged, details: { ...staged.details, watermark: { field: "any" } } };
}

/** The keys of orders, in a mode that needs keys. */
export function keysOf(mode: LoadMode): string[] {
  return isKeyed(mode) ? ["id"] : [];
}

export function modesOf({ modes }: LoaderClass): LoadMode[] {
  return Object.keys(modes) as LoadMode[];
}

/** The first loader class of a provider that accepts records. */
export function recordLoaderClass({ loaders }: Provider): LoaderClass {
  const found = Object.values(loaders).find(({ accepts }) => accepts.includes("records"));
  assert.ok(found !== undefined, "no loader accepts records");
  return found;
}

type When = (trial: Pick<Trial, "provider" | "modes" | "loaderClass">) => boolean;

export interface Check {
  /** A sentence: what holds. */
  readonly title: string;
  /** Whether the check has a meaning for a provider; always when absent. */
  readonly when?: When;
  run(trial: Trial): Promise<void>;
}

export const relational: When = ({ provider }) => provider.category === "relational";
export const appends: When = ({ modes }) => modes.includes("append");
export const replacesWhere: When = ({ loaderClass }) => loaderClass.replacesWhere === true;
export const deletesMissing: When = ({ loaderClass }) => loaderClass.deletesMissing === true;
export const versions: When = ({ modes }) => modes.includes("scd2");
export const upserts: When = ({ modes }) => modes.includes("upsert");
