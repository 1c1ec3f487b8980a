/** What a connection offers, and the first records of a dataset. */
import { valueReaders } from "../arrow/mod.ts";
import { openBuffer } from "../buffers/mod.ts";
import { type LoadedPipeline, type NamedConnection, QUERY } from "../config/mod.ts";
import type { Batch } from "../core/batch.ts";
import type { Connector, DiscoveredStream } from "../core/connector.ts";
import { BufferError, ConfigurationError, SchemaError } from "../core/errors.ts";
import type { Projection, RecordExtractor } from "../core/extractor.ts";
import { nearest } from "../core/nearest.ts";
import type { Provider } from "../core/provider.ts";
import type { Value } from "../core/values.ts";
import type { Field } from "../models/field.ts";
import { type Category, sourceOf, type StreamSource } from "../models/source.ts";
import { connect, type Endpoint, resolveEndpoint } from "./endpoint.ts";
import { resolveFields } from "./fields.ts";
import { planPipeline, type StreamPlan } from "./plan.ts";

export interface Discovery {
  /** Name of the provider. */
  readonly provider: string;
  readonly category: Category;
  /** Sorted by name. */
  readonly streams: readonly DiscoveredStream[];
}

/** All datasets that a connection offers. */
export async function discover(
  connection: NamedConnection,
  signal: AbortSignal,
): Promise<Discovery> {
  const endpoint = await resolveEndpoint(connection, connection.spec);
  const { name, category } = endpoint.provider;
  await using connector = await connect(endpoint, signal);
  if (connection.dataset === undefined) {
    return { provider: name, category, streams: await connector.discover() };
  }
  const source = sourceOf("filestore", connection.dataset);
  const fields = await connector.getStreamFields(source) ?? [];
  return { provider: name, category, streams: [{ name: connection.dataset, source, fields }] };
}

/** Records as rows of values in the order of the fields. */
export interface Head {
  readonly fields: readonly Field[];
  readonly rows: readonly (readonly Value[])[];
}

/** The first records of a dataset of a connection, or of what a query returns. */
export async function headOfConnection(
  connection: NamedConnection,
  stream: string | undefined,
  rows: number,
  signal: AbortSignal,
): Promise<Head> {
  const endpoint = await resolveEndpoint(connection, connection.spec);
  const { dataset } = connection;
  if (stream === undefined && dataset === undefined) {
    throw new ConfigurationError(
      "Cannot show records: expected a STREAM, dxt discover lists those of the connection",
    );
  }
  const { category } = endpoint.provider;
  const source: StreamSource = category === "relational" && QUERY.test(stream ?? "")
    ? { type: "sql", sql: stream! }
    : sourceOf(category, stream ?? dataset!);
  await using connector = await connect(endpoint, signal);
  return await headOf(endpoint.provider, connector, source, rows, signal);
}

export type HeadOf = "source" | "stage" | "target";

/** The first records of a pipeline's stream: as they would be extracted, are staged, or were loaded. */
export async function headOfPipeline(
  loaded: LoadedPipeline,
  stream: string | undefined,
  of: HeadOf,
  rows: number,
  signal: AbortSignal,
): Promise<Head> {
  const { source, target, streams } = await planPipeline(loaded);
  const ids = streams.map((plan) => plan.stream.id);
  const plan = stream === undefined && streams.length === 1
    ? streams[0]!
    : streams.find((one) => one.stream.id === stream);
  if (plan === undefined) {
    const what = stream === undefined
      ? "Cannot show records: expected a STREAM"
      : `Cannot find stream "${stream}" in pipeline "${loaded.pipeline.name}"`;
    throw new ConfigurationError(
      `${what}: it has ${listed(ids)}${stream === undefined ? "" : nearest(stream, ids)}`,
    );
  }
  if (of === "stage") return await headOfStage(plan, rows);
  const endpoint = of === "source" ? source : target;
  await using connector = await connect(endpoint, signal);
  if (of === "target") {
    const there = plan.target as StreamSource;
    return await headOf(endpoint.provider, connector, there, rows, signal);
  }
  const fields = await fieldsOf(connector, endpoint.provider, plan.source);
  const { projections } = resolveFields(plan.stream, fields);
  return await read(extractorOf(endpoint, connector, plan), plan.source, projections, rows, signal);
}

async function headOf(
  provider: Provider,
  connector: Connector,
  source: StreamSource,
  rows: number,
  signal: AbortSignal,
): Promise<Head> {
  const fields = await fieldsOf(connector, provider, source);
  const projections = fields.map((field) => ({ field, column: field.name }));
  const extractor = firstExtractor(provider, connector);
  return await read(extractor, source, projections, rows, signal);
}

/** @throws {SchemaError} for a dataset that is not there, with the nearest that is */
async function fieldsOf(
  connector: Connector,
  provider: Provider,
  source: StreamSource,
): Promise<readonly Field[]> {
  const fields = await connector.getStreamFields(source);
  if (fields !== undefined) return fields;
  const { product } = await connector.testConnection();
  const names = (await connector.discover()).map(({ name }) => name);
  const wanted = "name" in source ? source.name : "path" in source ? source.path : source.type;
  const hint = nearest(wanted, names) || nearestBare(wanted, names);
  throw new SchemaError(
    `Cannot find ${source.type} "${wanted}" in ${product}: it does not exist, or the ${
      provider.category === "filestore" ? "program" : "login"
    } may not see it${hint || `; there are ${listed(names)}`}`,
  );
}

/** The nearest name when schemas are left out. */
function nearestBare(wanted: string, names: readonly string[]): string {
  const bare = new Map(names.map((name) => [name.replace(/^.*\.(?=[^.]+$)/, ""), name]));
  const found = /"(.*)"/s.exec(nearest(wanted, [...bare.keys()]))?.[1];
  return found === undefined ? "" : `, did you mean "${bare.get(found)}"`;
}

const MOST_LISTED = 8;

function listed(names: readonly string[]): string {
  if (names.length === 0) return "none";
  const shown = names.slice(0, MOST_LISTED).map((name) => `"${name}"`).join(", ");
  return names.length > MOST_LISTED ? `${shown} and ${names.length - MOST_LISTED} more` : shown;
}

function extractorOf(
  { provider }: Endpoint,
  connector: Connector,
  { extractor, extractorOptions }: StreamPlan,
): RecordExtractor {
  if (extractor.yields !== "records") return firstExtractor(provider, connector);
  return extractor.create(connector, extractorOptions) as RecordExtractor;
}

function firstExtractor(provider: Provider, connector: Connector): RecordExtractor {
  const found = Object.values(provider.extractors).find(({ yields }) => yields === "records");
  if (found === undefined) {
    throw new ConfigurationError(`Cannot show records of ${provider.name}: it has no records`);
  }
  return found.create(connector, found.options.parse({})) as RecordExtractor;
}

const BATCH_BYTES = 1 << 24;

async function read(
  extractor: RecordExtractor,
  source: StreamSource,
  projections: readonly Projection[],
  limit: number,
  signal: AbortSignal,
): Promise<Head> {
  const fields = projections.map(({ field }) => field);
  const task = { source, projections, limit, batchBytes: BATCH_BYTES, signal };
  const batches = extractor.extract({ ...task, batchRows: Math.min(limit, 8192) });
  return { fields, rows: await firstOf(batches, fields, limit) };
}

async function headOfStage(plan: StreamPlan, limit: number): Promise<Head> {
  const buffer = await openBuffer(plan.buffer, plan.stageDirectory);
  const staged = await buffer.open();
  if (staged === undefined) {
    throw new BufferError(
      `Cannot show the stage of stream "${plan.stream.id}": nothing is staged in "${buffer.location}", dxt extract stages it`,
    );
  }
  if (staged.kind === "files") {
    throw new BufferError(
      `Cannot show the stage of stream "${plan.stream.id}": it holds files as they are in the source, and no records`,
    );
  }
  return { fields: staged.fields, rows: await firstOf(staged.readBatches(), staged.fields, limit) };
}

async function firstOf(
  batches: AsyncIterable<Batch>,
  fields: readonly Field[],
  limit: number,
): Promise<Value[][]> {
  const rows: Value[][] = [];
  for await (const batch of batches) {
    const readers = valueReaders(batch, fields);
    for (let row = 0; row < batch.numRows && rows.length < limit; row++) {
      rows.push(readers.map((read) => read(row)));
    }
    if (rows.length >= limit) break;
  }
  return rows;
}
