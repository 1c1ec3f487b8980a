/**
 * Opens the connections of a stream. A worker with untrusted code gets the permissions that its stream
 * needs. Another worker gets those of all streams of the run, so that it can serve the next stream.
 */
import type { Permissions, Usage } from "../../core/contracts/provider.ts";
import type { ExternalCode } from "../../sandbox/modules/mod.ts";
import { workerPermissions } from "../../sandbox/permissions.ts";
import type { RunContext } from "../contract/run_context.ts";
import { ConnectionClient } from "./connection_client.ts";
import type { Endpoint } from "../plan/endpoint.ts";
import type { PlainClass } from "./inside/protocol.ts";
import { connectionNeeds, type StreamNeeds, streamNeeds } from "../permissions/required.ts";
import type { Chosen } from "../plan/class_choice.ts";
import type { StreamPlan } from "../plan/pipeline_plan.ts";

/** What a client is opened with; without `warn`, warnings are dropped. */
type Opening =
  & Pick<RunContext, "threads" | "signal">
  & Partial<Pick<RunContext, "warn" | "trace">>;
type Context = Opening & Pick<RunContext, "source" | "target" | "needs">;

/** A connection for several streams, or for listing datasets. */
export function openClient(
  endpoint: Endpoint,
  usage: Partial<Omit<Usage, "baseDirectory">>,
  context: Opening,
  classes: readonly { readonly code?: ExternalCode }[] = [],
): ConnectionClient {
  return open(endpoint, connectionNeeds(endpoint, usage), classes, context);
}

/** Opens the connection from which a stream is read. */
export function openSource(plan: StreamPlan, context: Context): ConnectionClient {
  const needs = chooseNeeds("source", plan, context);
  return open(context.source, needs, [plan.extractor], context, "source");
}

/** Opens the connection to which a stream is written. */
export function openTarget(plan: StreamPlan, context: Context): ConnectionClient {
  const needs = chooseNeeds("target", plan, context);
  return open(context.target, needs, [plan.loader], context, "target");
}

/** Starts the worker of a stream's target early, so that it is ready when the stream is extracted. */
export function warmTarget(plan: StreamPlan, context: RunContext): void {
  const external = runsUntrusted(context.target, plan.loader);
  const permissions = workerPermissions(chooseNeeds("target", plan, context), external);
  context.threads.warm({ permissions, external });
}

function chooseNeeds(side: keyof StreamNeeds, plan: StreamPlan, context: Context): Permissions {
  const chosen = side === "source" ? plan.extractor : plan.loader;
  return (runsUntrusted(context[side], chosen) ? streamNeeds(context, plan) : context.needs)[side];
}

function runsUntrusted(...sides: readonly { readonly code?: ExternalCode }[]): boolean {
  return sides.some(({ code }) => code !== undefined);
}

function open(
  { module, config, baseDirectory, showValues, code }: Endpoint,
  needs: Permissions,
  classes: readonly { readonly code?: ExternalCode }[],
  { threads, signal, warn = () => {}, trace }: Opening,
  side?: "source" | "target",
): ConnectionClient {
  const traced = trace === undefined || side === undefined
    ? undefined
    : (statement: string) => trace(side, statement);
  const codes = new Map(
    [{ code }, ...classes].flatMap((one) =>
      one.code === undefined ? [] : [[one.code.entry, one.code]]
    ),
  );
  const spec = {
    endpoint: { module, config, baseDirectory, showValues, traces: traced !== undefined },
    permissions: workerPermissions(needs, codes.size > 0),
    codes: [...codes.values()],
  };
  return new ConnectionClient(spec, threads, signal, { warn, trace: traced });
}

/** Several connections to one system, in as many workers as they need. */
export class ClientGroup {
  /** Further workers by number; the caller owns the first one. */
  readonly #workers = new Map<
    number,
    { readonly client: ConnectionClient; readonly connections: Set<number> }
  >();

  constructor(
    private readonly first: ConnectionClient,
    private readonly connectionsPerThread: number,
  ) {}

  /** Returns the client of a connection by its number. Its worker starts on first use. */
  open(connection: number): ConnectionClient {
    const thread = Math.floor(connection / this.connectionsPerThread);
    if (thread === 0) return this.first;
    const { client, connections } = this.#workers.get(thread) ??
      { client: this.first.again(), connections: new Set() };
    this.#workers.set(thread, { client, connections: connections.add(connection) });
    return client;
  }

  /** Called when a connection is no longer used; ends its worker if it holds no other connection. */
  async close(connection: number): Promise<void> {
    const thread = Math.floor(connection / this.connectionsPerThread);
    const worker = this.#workers.get(thread);
    if (worker === undefined) return;
    worker.connections.delete(connection);
    if (worker.connections.size > 0) return;
    this.#workers.delete(thread);
    await worker.client[Symbol.asyncDispose]();
  }
}

/** A chosen class as its worker needs it. */
export function plainClass({ module, name, options }: Chosen<object>): PlainClass {
  return { ...(module === undefined ? {} : { module }), name, options };
}
