/** Lists the datasets of a connection, and shows the first records of one. */
import { openBuffer } from "../../buffers/mod.ts";
import { type LoadedPipeline, type NamedConnection, QUERY } from "../../config/mod.ts";
import type { DiscoveredStream } from "../../core/contracts/connector.ts";
import type { ExtractRequest } from "../../core/contracts/extractor.ts";
import { BufferError, ConfigurationError } from "../../core/errors.ts";
import { suggestWord } from "../../core/did_you_mean.ts";
import type { ProviderInfo } from "../../providers/provider_info.ts";
import type { Value } from "../../core/values/values.ts";
import type { Field } from "../../models/field.ts";
import { type Category, parseSource, type StreamSource } from "../../models/source.ts";
import type { ConnectionClient } from "../worker/connection_client.ts";
import type { Threads } from "../contract/threads.ts";
import { openThreads } from "../worker/pool.ts";
import { openClient, plainClass } from "../worker/connection_clients.ts";
import { findRecordExtractor } from "../plan/class_choice.ts";
import { type Endpoint, resolveEndpoint } from "../plan/endpoint.ts";
import { BATCH_BYTES, BATCH_ROWS } from "../worker/extract_spec.ts";
import { excludedNames } from "../plan/field_declarations.ts";
import { projectField, resolveFields } from "../plan/resolve_fields.ts";
import type { PlainClass } from "../worker/inside/protocol.ts";
import { planPipeline, type StreamPlan } from "../plan/pipeline_plan.ts";
import { listNames } from "../../core/suggest_stream.ts";
import { missingSource } from "../extract/missing_source.ts";
import { expandStagedWildcards, expandWildcards } from "./wildcards.ts";

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
  using threads = openThreads(connection);
  await using client = openClient(endpoint, { explores: true }, { threads, signal });
  if (connection.dataset === undefined) {
    return { provider: name, category, streams: await client.connector.discover() };
  }
  const source = parseSource("filestore", connection.dataset);
  const fields = await client.connector.getStreamFields(source) ?? [];
  return { provider: name, category, streams: [{ name: connection.dataset, source, fields }] };
}

/** Records as rows of values in the order of the fields. */
export interface Head {
  readonly fields: readonly Field[];
  readonly rows: readonly (readonly Value[])[];
}

/** How records are shown. */
export interface Showing {
  /** Most records. */
  readonly rows: number;
  /** As in {@linkcode RunContext}. */
  readonly mayExplore: boolean;
  readonly signal: AbortSignal;
}

/** The first records of a dataset of a connection, or of what a query returns. */
export async function previewConnection(
  connection: NamedConnection,
  stream: string | undefined,
  showing: Showing,
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
    : parseSource(category, stream ?? dataset!);
  using threads = openThreads(connection);
  const viewer: Viewer = { endpoint, threads, ...showing };
  await using client = openClient(endpoint, { reads: [source] }, viewer);
  return await readHead(client, source, viewer);
}

export type HeadOf = "source" | "stage" | "target";

/** The first records of a pipeline's stream: as they would be extracted, are staged, or were loaded. */
export async function previewPipelineRows(
  loaded: LoadedPipeline,
  stream: string | undefined,
  of: HeadOf,
  showing: Showing,
): Promise<Head> {
  const isNamed = loaded.pipeline.streams.some(({ id }) => id === stream);
  const expanded = isNamed
    ? loaded
    : of === "stage"
    ? await expandStagedWildcards(loaded)
    : await expandWildcards(loaded, { signal: showing.signal, retries: 0 });
  const { source, target, streams } = await planPipeline(expanded);
  const ids = streams.map((plan) => plan.stream.id);
  const plan = stream === undefined && streams.length === 1
    ? streams[0]!
    : streams.find((one) => one.stream.id === stream);
  if (plan === undefined) {
    throw new ConfigurationError(
      stream === undefined
        ? `Cannot show records: expected a STREAM, one of ${listNames(ids)}`
        : `Cannot find stream "${stream}" in pipeline "${loaded.pipeline.name}": it has ${
          listNames(ids)
        }${suggestWord(stream, ids)}`,
    );
  }
  if (of === "stage") return await headOfStage(plan, showing.rows);
  const endpoint = of === "source" ? source : target;
  const shown = of === "source" ? plan.source : plan.target as StreamSource;
  using threads = openThreads(loaded);
  const viewer: Viewer = { endpoint, threads, ...showing };
  await using client = openClient(endpoint, { reads: [shown] }, viewer, [plan.extractor]);
  if (of === "target") return await readHead(client, shown, viewer);
  const fields = await readFields(client, plan.source, viewer);
  const { projections } = resolveFields(plan.stream, fields);
  const extractor = plan.extractor.yields === "records"
    ? plainClass(plan.extractor)
    : firstExtractor(endpoint.provider);
  const complete = plan.stream.only_declared_fields !== true;
  const excluded = excludedNames(plan.stream);
  const what = { source: plan.source, projections, complete, excluded };
  return await read(client, extractor, what, showing.rows);
}

/** What showing records needs. */
interface Viewer extends Showing {
  readonly endpoint: Endpoint;
  readonly threads: Threads;
}

async function readHead(
  client: ConnectionClient,
  source: StreamSource,
  viewer: Viewer,
): Promise<Head> {
  const fields = await readFields(client, source, viewer);
  const projections = fields.map(projectField);
  return await read(
    client,
    firstExtractor(viewer.endpoint.provider),
    { source, projections, complete: true, excluded: [] },
    viewer.rows,
  );
}

/** @throws {SchemaError} for a dataset that does not exist, with the nearest name */
async function readFields(
  client: ConnectionClient,
  source: StreamSource,
  viewer: Viewer,
): Promise<readonly Field[]> {
  const fields = await client.connector.getStreamFields(source);
  if (fields !== undefined) return fields;
  throw await missingSource(source, client.connector, viewer.endpoint, viewer);
}

/** @throws {ConfigurationError} for a provider without records */
function firstExtractor(provider: ProviderInfo): PlainClass {
  const found = findRecordExtractor(provider);
  if (found !== undefined) return found;
  throw new ConfigurationError(`Cannot show records of ${provider.name}: it has no records`);
}

async function read(
  client: ConnectionClient,
  extractor: PlainClass,
  what: Pick<ExtractRequest, "source" | "projections" | "complete" | "excluded">,
  limit: number,
): Promise<Head> {
  const batchRows = Math.min(limit, BATCH_ROWS);
  const request = { ...what, limit, batchRows, batchBytes: BATCH_BYTES };
  const fields = what.projections.map(({ field }) => field);
  return { fields, rows: await client.call("head", { extractor, request }) };
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
  const { firstRows } = await import("../worker/first_rows.ts");
  return {
    fields: staged.fields,
    rows: await firstRows(staged.readBatches(), staged.fields, limit),
  };
}
