/** Tests whether a pipeline could run: its connections, and the rights of its logins. Moves no data. */
import type { LoadedPipeline } from "../../config/mod.ts";
import type { Access } from "../../core/contracts/connector.ts";
import { messageOf } from "../../core/errors.ts";
import type { StreamSource } from "../../models/source.ts";
import type { Selection } from "../../selector/mod.ts";
import type { Endpoint } from "../plan/endpoint.ts";
import { planTarget } from "../extract/check_target.ts";
import { stagedFields } from "../worker/extract_spec.ts";
import { checkLoadFields, checkPartitionField } from "../extract/check_fields.ts";
import type { PrepareContext } from "../extract/prepare_context.ts";
import { chooseTypeChange } from "../plan/load_settings.ts";
import { resolveStreamFields } from "../extract/stream_fields.ts";
import { openTransformer } from "../extract/transform_client.ts";
import type { ResolvedFields } from "../plan/resolve_fields.ts";
import type { ConnectionClient, ConnectorCalls } from "../worker/connection_client.ts";
import { openThreads } from "../worker/pool.ts";
import { openClient } from "../worker/connection_clients.ts";
import type { StreamPlan } from "../plan/pipeline_plan.ts";
import { planSelected } from "../plan/select_plans.ts";
import { expandWildcards } from "./wildcards.ts";

/** The result of one check. Times are milliseconds. */
export interface TrialResult {
  readonly check: "source" | "target" | "read" | "write";
  /** Stream that it is for; absent for a connection. */
  readonly stream?: string;
  /** What was checked, for example `PostgreSQL 15.8` or `read "public.orders"`. */
  readonly subject: string;
  /** All problems; empty if the check passed. */
  readonly problems: readonly string[];
  readonly ms: number;
}

export interface TrialOptions extends Selection {
  /** As in {@linkcode RunContext}. */
  readonly mayExplore?: boolean;
  readonly signal: AbortSignal;
  onResult(result: TrialResult): void;
}

/** Runs all checks of the selected streams, even after a failure; reports each result as it comes. */
export async function testPipeline(
  loaded: LoadedPipeline,
  { signal, mayExplore = false, onResult, ...selection }: TrialOptions,
): Promise<TrialResult[]> {
  const expanded = await expandWildcards(loaded, { signal, retries: 0 });
  const { source, target, streams } = await planSelected(expanded, selection);
  const results: TrialResult[] = [];
  const report = (found: readonly TrialResult[]) => {
    for (const result of found) onResult(result);
    results.push(...found);
  };
  using threads = openThreads(loaded);
  const opening = { threads, signal, warn: () => {} };
  const reads = { reads: streams.map((plan) => plan.source) };
  const writes = { writes: streams.map((plan) => plan.target) };
  const [extractors, loaders] = [
    streams.map((one) => one.extractor),
    streams.map((one) => one.loader),
  ];
  await using reader = openClient(source, reads, opening, extractors);
  await using writer = openClient(target, writes, opening, loaders);
  const context: Context = {
    ...{ source, target, mayExplore, reader, writer, ...opening },
    withTarget: (work) => work(writer),
    transformer: undefined,
    fields: new Map(),
  };
  report(await testSource(streams, context));
  report(await testTarget(streams, context));
  return results;
}

type Context = PrepareContext & {
  readonly reader: ConnectionClient;
  readonly writer: ConnectionClient;
  /** Fields of the streams that can be read, for the checks of their targets. */
  readonly fields: Map<StreamPlan, ResolvedFields>;
};

async function testSource(plans: readonly StreamPlan[], context: Context): Promise<TrialResult[]> {
  const { reader } = context;
  return await testEndpoint("source", context, reader, async () => {
    const results: TrialResult[] = [
      await testConnection("source", context.source, reader.connector),
    ];
    if (results[0]!.problems.length > 0) return results;
    for (const plan of plans) {
      const access = await timed(() => checkSource(plan, context));
      results.push({ check: "read", stream: plan.stream.id, ...access });
    }
    return results;
  });
}

/** A source that can be read must also have the fields that the stream names. */
async function checkSource(plan: StreamPlan, context: Context): Promise<Access> {
  const { connector } = context.reader;
  const access = await connector.checkRead(plan.source);
  if (access.problems.length > 0) return access;
  if (plan.extractor.yields === "files") {
    context.fields.set(plan, { projections: [], generated: [] });
    return access;
  }
  using transformer = openTransformer(plan, context);
  try {
    const fields = await resolveStreamFields(
      plan,
      { ...context, transformer },
      connector,
      chooseTypeChange(plan, { fullRefresh: false }),
    );
    checkLoadFields(plan, fields);
    checkPartitionField(plan, fields);
    context.fields.set(plan, fields);
    return access;
  } catch (error) {
    context.signal.throwIfAborted();
    return { ...access, problems: [messageOf(error)] };
  }
}

/** A target that does not exist passes when the load can create it. */
async function testTarget(plans: readonly StreamPlan[], context: Context): Promise<TrialResult[]> {
  const { writer } = context;
  return await testEndpoint("target", context, writer, async () => {
    const greeting = await testConnection("target", context.target, writer.connector);
    const results: TrialResult[] = [];
    for (const plan of plans) {
      const access = await timed(() => checkTarget(plan, context));
      results.push({ check: "write", stream: plan.stream.id, ...access });
    }
    const writable = results.every(({ problems }) => problems.length === 0);
    const { subject } = greeting;
    const made = greeting.problems.length > 0 && writable;
    return [
      made
        ? { ...greeting, subject: `${subject}, made by the first load`, problems: [] }
        : greeting,
      ...results,
    ];
  });
}

/**
 * Checks the rights, and whether the columns can store the fields, as a run does before it reads a row.
 * The target of an incremental stream must also be readable, since its watermark is read.
 */
async function checkTarget(plan: StreamPlan, { writer, fields }: Context): Promise<Access> {
  const { stream, target, mode } = plan;
  const { connector } = writer;
  const { action, problems } = await connector.checkWrite(target, mode);
  const all = [...problems];
  const resolved = fields.get(plan);
  // Without its rights the login may not even look at the table.
  if (resolved !== undefined && problems.length === 0) {
    const planned = await planTarget(plan, writer, stagedFields(resolved), { fullRefresh: false });
    all.push(...planned.problems);
    if (planned.losses !== undefined) all.push(planned.losses);
  }
  if (
    stream.extract?.mode === "incremental" && await connector.getStreamFields(target) !== undefined
  ) {
    const { problems: unread } = await connector.checkRead(target as StreamSource);
    all.push(...unread.map((problem) => `its highest watermark cannot be read, ${problem}`));
  }
  return { action, problems: all };
}

/** Without a connection nothing else is tested. */
async function testEndpoint(
  check: "source" | "target",
  context: Context,
  client: ConnectionClient,
  work: () => Promise<TrialResult[]>,
): Promise<TrialResult[]> {
  const start = performance.now();
  try {
    await client.call("connect", undefined);
  } catch (error) {
    context.signal.throwIfAborted();
    const problems = [messageOf(error)];
    return [{ check, subject: context[check].provider.name, problems, ms: since(start) }];
  }
  const opening = since(start);
  const [greeting, ...others] = await work();
  return [{ ...greeting!, ms: greeting!.ms + opening }, ...others];
}

async function testConnection(
  check: "source" | "target",
  { provider }: Endpoint,
  connector: ConnectorCalls,
): Promise<TrialResult> {
  const greeting = await timed(async () => {
    const { product, version } = await connector.testConnection();
    return { action: `${product} ${version}`, problems: [] };
  });
  return { check, ...greeting, subject: greeting.subject || provider.name };
}

async function timed(
  work: () => Promise<Access>,
): Promise<Pick<TrialResult, "subject" | "problems" | "ms">> {
  const start = performance.now();
  try {
    const { action, problems } = await work();
    return { subject: action, problems, ms: since(start) };
  } catch (error) {
    return { subject: "", problems: [messageOf(error)], ms: since(start) };
  }
}

function since(start: number): number {
  return Math.round(performance.now() - start);
}
