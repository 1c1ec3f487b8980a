/** Tests whether a pipeline could run: its connections, and the rights of its logins. Moves no data. */
import type { LoadedPipeline } from "../../config/mod.ts";
import type { Access } from "../../core/contracts/connector.ts";
import { messageOf } from "../../core/errors.ts";
import type { StreamSource } from "../../models/source.ts";
import type { Selection } from "../../selector/mod.ts";
import type { Endpoint } from "../plan/endpoint.ts";
import type { ConnectorCalls } from "../worker/connection_client.ts";
import type { Threads } from "../contract/threads.ts";
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
  readonly signal: AbortSignal;
  onResult(result: TrialResult): void;
}

/** Runs all checks of the selected streams, even after a failure; reports each result as it comes. */
export async function testPipeline(
  loaded: LoadedPipeline,
  { signal, onResult, ...selection }: TrialOptions,
): Promise<TrialResult[]> {
  const expanded = await expandWildcards(loaded, { signal, retries: 0 });
  const { source, target, streams } = await planSelected(expanded, selection);
  const results: TrialResult[] = [];
  const report = (found: readonly TrialResult[]) => {
    for (const result of found) onResult(result);
    results.push(...found);
  };
  using threads = openThreads(loaded);
  const context = { threads, signal };
  report(await testSource(source, streams, context));
  report(await testTarget(target, streams, context));
  return results;
}

type Context = { readonly threads: Threads; readonly signal: AbortSignal };

async function testSource(
  endpoint: Endpoint,
  plans: readonly StreamPlan[],
  context: Context,
): Promise<TrialResult[]> {
  return await testEndpoint(
    "source",
    endpoint,
    { reads: plans.map(({ source }) => source) },
    context,
    async (connector) => {
      const results: TrialResult[] = [await testConnection("source", endpoint, connector)];
      if (results[0]!.problems.length > 0) return results;
      for (const { stream, source } of plans) {
        const access = await timed(() => connector.checkRead(source));
        results.push({ check: "read", stream: stream.id, ...access });
      }
      return results;
    },
  );
}

/** A target that does not exist passes when the load can create it. */
async function testTarget(
  endpoint: Endpoint,
  plans: readonly StreamPlan[],
  context: Context,
): Promise<TrialResult[]> {
  return await testEndpoint(
    "target",
    endpoint,
    { writes: plans.map(({ target }) => target) },
    context,
    async (connector) => {
      const greeting = await testConnection("target", endpoint, connector);
      const results: TrialResult[] = [];
      for (const plan of plans) {
        const access = await timed(() => checkTarget(connector, plan));
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
    },
  );
}

/** An incremental stream reads the watermark of a target that exists, which must be readable, too. */
async function checkTarget(
  connector: ConnectorCalls,
  { stream, target, mode }: StreamPlan,
): Promise<Access> {
  const access = await connector.checkWrite(target, mode);
  if (stream.extract?.mode !== "incremental") return access;
  if (await connector.getStreamFields(target) === undefined) return access;
  const { problems } = await connector.checkRead(target as StreamSource);
  const unread = problems.map((problem) => `its highest watermark cannot be read, ${problem}`);
  return { ...access, problems: [...access.problems, ...unread] };
}

/** Without a connection nothing else is tested. */
async function testEndpoint(
  check: "source" | "target",
  endpoint: Endpoint,
  usage: Parameters<typeof openClient>[1],
  context: Context,
  work: (connector: ConnectorCalls) => Promise<TrialResult[]>,
): Promise<TrialResult[]> {
  const start = performance.now();
  await using client = openClient(endpoint, usage, context);
  try {
    await client.call("connect", undefined);
  } catch (error) {
    context.signal.throwIfAborted();
    const problems = [messageOf(error)];
    return [{ check, subject: endpoint.provider.name, problems, ms: since(start) }];
  }
  const opening = since(start);
  const [greeting, ...others] = await work(client.connector);
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
  return Math.round((performance.now() - start) * 10) / 10;
}
