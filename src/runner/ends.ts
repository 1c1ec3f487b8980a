/** The two ends of a stream's run. */
import type { Permissions, Usage } from "../core/provider.ts";
import type { ExternalCode } from "../sandbox/modules/mod.ts";
import { workerPermissions } from "../sandbox/permissions.ts";
import type { RunContext } from "./context.ts";
import { End } from "./end.ts";
import type { Endpoint } from "./endpoint.ts";
import type { PlainClass } from "./thread/inputs.ts";
import { connectionNeeds, streamNeeds } from "./needs.ts";
import type { Chosen, StreamPlan } from "./plan.ts";

type Context = Pick<RunContext, "source" | "target" | "threads" | "signal">;

/** A connection that is asked about several streams, or about what it offers. */
export function endOf(
  endpoint: Endpoint,
  usage: Partial<Omit<Usage, "baseDirectory">>,
  context: Pick<Context, "threads" | "signal">,
  classes: readonly { readonly code?: ExternalCode }[] = [],
): End {
  return open(endpoint, connectionNeeds(endpoint, usage), classes, context);
}

/** The connection that a stream is read from. */
export function sourceEnd(plan: StreamPlan, context: Context): End {
  const { source } = streamNeeds(context, plan);
  return open(context.source, source, [plan.extractor], context);
}

/** The connection that a stream is written to. */
export function targetEnd(plan: StreamPlan, context: Context): End {
  const { target } = streamNeeds(context, plan);
  return open(context.target, target, [plan.loader], context);
}

/** Starts the thread of a stream's target, which is wanted when the stream is extracted. */
export function warmTarget(plan: StreamPlan, context: RunContext): void {
  const external = context.target.code !== undefined || plan.loader.code !== undefined;
  const permissions = workerPermissions(streamNeeds(context, plan).target);
  context.threads.warm({ permissions, external });
}

function open(
  { module, config, baseDirectory, code }: Endpoint,
  needs: Permissions,
  classes: readonly { readonly code?: ExternalCode }[],
  { threads, signal }: Pick<Context, "threads" | "signal">,
): End {
  const codes = new Map(
    [{ code }, ...classes].flatMap((one) =>
      one.code === undefined ? [] : [[one.code.entry, one.code]]
    ),
  );
  const spec = {
    endpoint: { module, config, baseDirectory },
    permissions: workerPermissions(needs),
    codes: [...codes.values()],
  };
  return new End(spec, threads, signal);
}

/** An end in as many threads as its lanes need. Those that it started end with it. */
export class SharedEnds implements AsyncDisposable {
  readonly #ends: End[];

  constructor(private readonly first: End, private readonly lanesPerThread: number) {
    this.#ends = [first];
  }

  /** The end that a lane works at; its thread starts when it is first wanted. */
  of(lane: number): End {
    return this.#ends[Math.floor(lane / this.lanesPerThread)] ??= this.first.again();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#ends.slice(1).map((end) => end[Symbol.asyncDispose]()));
  }
}

/** A chosen class as its thread needs it. */
export function plainClass({ module, name, options }: Chosen<object>): PlainClass {
  return { ...(module === undefined ? {} : { module }), name, options };
}
