/** The two ends of a stream's run. */
import type { Permissions, Usage } from "../core/provider.ts";
import { workerPermissions } from "../sandbox/permissions.ts";
import { ThreadPool } from "../sandbox/pool.ts";
import type { RunContext } from "./context.ts";
import { End, type EndSpec, type Threads } from "./end.ts";
import type { Endpoint } from "./endpoint.ts";
import type { PlainClass } from "./jobs.ts";
import { connectionNeeds, streamNeeds } from "./needs.ts";
import type { StreamPlan } from "./plan.ts";

type Context = Pick<RunContext, "source" | "target" | "threads" | "signal">;

export interface ThreadOptions {
  /** As many streams, or parts of one, are moved at once; the number of cores when absent. */
  readonly threads?: number;
  /** Whether a thread may do only what it needs; true when absent. */
  readonly sandbox?: boolean;
}

/** Threads for the ends of a run. */
export function openThreads(
  { threads = navigator.hardwareConcurrency, sandbox = true }: ThreadOptions = {},
): Threads {
  return new ThreadPool(new URL("./worker.ts", import.meta.url), threads, sandbox);
}

/** A connection that is asked about several streams, or about what it offers. */
export function endOf(
  endpoint: Endpoint,
  usage: Partial<Omit<Usage, "baseDirectory">>,
  { threads, signal }: Pick<Context, "threads" | "signal">,
): End {
  return new End(specOf(endpoint, connectionNeeds(endpoint, usage)), threads, signal);
}

/** The connection that a stream is read from. */
export function sourceEnd(plan: StreamPlan, context: Context): End {
  const { source } = streamNeeds(context, plan);
  return new End(specOf(context.source, source), context.threads, context.signal);
}

export function plainExtractor(plan: StreamPlan, { source }: Pick<Context, "source">): PlainClass {
  return named(source.provider.extractors, plan.extractor, plan.extractorOptions);
}

/** The connection that a stream is written to. */
export function targetEnd(plan: StreamPlan, context: Context): End {
  const { target } = streamNeeds(context, plan);
  return new End(specOf(context.target, target), context.threads, context.signal);
}

export function plainLoader(plan: StreamPlan, { target }: Pick<Context, "target">): PlainClass {
  return named(target.provider.loaders, plan.loader, plan.loaderOptions);
}

function specOf({ provider, config, baseDirectory }: Endpoint, needs: Permissions): EndSpec {
  return { provider: provider.name, config, baseDirectory, permissions: workerPermissions(needs) };
}

function named<T>(classes: Readonly<Record<string, T>>, chosen: T, options: unknown): PlainClass {
  return { name: Object.keys(classes).find((name) => classes[name] === chosen)!, options };
}
