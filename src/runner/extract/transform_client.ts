/** The transforms of a stream, as the host uses them: untrusted code in a worker without permissions. */
import { NOTHING } from "../../core/permissions.ts";
import type { Field } from "../../models/field.ts";
import type { Lease } from "../../sandbox/pool.ts";
import { workerPermissions } from "../../sandbox/permissions.ts";
import { fromError } from "../../sandbox/messages.ts";
import type { Threads } from "../contract/threads.ts";
import type { ConnectionClient } from "../worker/connection_client.ts";
import type { PlainClass } from "../worker/inside/protocol.ts";
import type { WorkerJobs } from "../worker/inside/jobs.ts";
import type { Chosen } from "../plan/class_choice.ts";
import type { StreamPlan } from "../plan/pipeline_plan.ts";

/** Created once for a stream; transforms each of its batches. */
export class Transformer implements Disposable {
  readonly #lease: Lease<WorkerJobs>;
  readonly #steps: readonly PlainClass[];
  readonly #ready: Promise<void>;

  constructor(
    transforms: readonly Chosen<object>[],
    threads: Threads,
    private readonly signal: AbortSignal,
  ) {
    const permissions = workerPermissions(NOTHING, true);
    this.#lease = threads.lease({ permissions, external: true });
    this.#steps = transforms.map(({ module, name, options }) => ({
      ...(module === undefined ? {} : { module }),
      name,
      options,
    }));
    const codes = new Map(transforms.map(({ code }) => [code!.entry, code!]));
    this.#ready = this.#lease.thread.call("restrictImports", [...codes.values()], { signal });
    this.#ready.catch(() => {});
  }

  /** Opens the transforms with these fields; returns the fields that they produce. */
  async fields(before: readonly Field[]): Promise<Field[]> {
    await this.#ready;
    const input = { steps: this.#steps, fields: before };
    const { signal } = this;
    const after = await this.#lease.thread.call("openTransforms", input, { signal });
    return after.map((field) => describeTransformed(before, field));
  }

  /** A batch as Arrow's messages, before and after. */
  async apply(bytes: Uint8Array): Promise<Uint8Array> {
    return await this.#lease.thread.call("transform", bytes, { signal: this.signal });
  }

  [Symbol.dispose](): void {
    this.#lease[Symbol.dispose]();
  }
}

/**
 * The type in the target is the user's decision, which a transform cannot change. The transform may have
 * changed any value, so that no text is certain to be a UUID, and no array a list.
 */
function describeTransformed(before: readonly Field[], field: Field): Field {
  const { target_type: _type, uuid: _uuid, element: _element, ...rest } = field;
  const target_type = before.find(({ name }) => name === field.name)?.target_type;
  return target_type === undefined ? rest : { ...rest, target_type };
}

/** The transformer of a stream, where it has transforms. */
export function openTransformer(
  { transforms }: StreamPlan,
  { threads, signal }: { readonly threads: Threads; readonly signal: AbortSignal },
): Transformer | undefined {
  return transforms.length === 0 ? undefined : new Transformer(transforms, threads, signal);
}

/** Passes a batch between two workers, which cannot reach each other. */
export async function relayBatch(
  { id, bytes }: { readonly id: number; readonly bytes: Uint8Array },
  transformer: Transformer,
  client: ConnectionClient,
): Promise<void> {
  using _pause = client.hold();
  const reply = await transformer.apply(bytes).then(
    (bytes) => ({ id, bytes }),
    (error) => ({ id, failed: fromError(error) }),
  );
  await client.call("transformed", reply).catch(() => {});
}
