/** The two ends of a stream's run. */
import type { RunContext } from "./context.ts";
import { ThreadPool } from "../sandbox/pool.ts";
import { End, type EndSpec, type Threads } from "./end.ts";
import type { Endpoint } from "./endpoint.ts";
import type { PlainClass } from "./jobs.ts";
import type { StreamPlan } from "./plan.ts";

type Context = Pick<RunContext, "source" | "target" | "threads" | "signal">;

/** Threads for the ends of a run; as many streams, or parts of one, as there are cores. */
export function openThreads(most = navigator.hardwareConcurrency): Threads {
  return new ThreadPool(new URL("./worker.ts", import.meta.url), most);
}

/** A connection that is asked about several streams, or about what it offers. */
export function endOf(
  endpoint: Endpoint,
  { threads, signal }: Pick<Context, "threads" | "signal">,
): End {
  return new End(specOf(endpoint), threads, signal);
}

/** The connection that a stream is read from. */
export function sourceEnd(_plan: StreamPlan, context: Context): End {
  return new End(specOf(context.source), context.threads, context.signal);
}

export function plainExtractor(plan: StreamPlan, { source }: Pick<Context, "source">): PlainClass {
  return named(source.provider.extractors, plan.extractor, plan.extractorOptions);
}

/** The connection that a stream is written to. */
export function targetEnd(_plan: StreamPlan, context: Context): End {
  return new End(specOf(context.target), context.threads, context.signal);
}

export function plainLoader(plan: StreamPlan, { target }: Pick<Context, "target">): PlainClass {
  return named(target.provider.loaders, plan.loader, plan.loaderOptions);
}

function specOf({ provider, config, baseDirectory }: Endpoint): EndSpec {
  return { provider: provider.name, config, baseDirectory, permissions: "inherit" };
}

function named<T>(classes: Readonly<Record<string, T>>, chosen: T, options: unknown): PlainClass {
  return { name: Object.keys(classes).find((name) => classes[name] === chosen)!, options };
}
