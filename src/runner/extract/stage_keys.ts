/**
 * Stages all keys of a source whose extraction reads only what is new: they show which records it no longer has.
 * They are read after the records, so that each record that was read, and is still there, has its key among them.
 */
import type { Buffer, StageDetails, StagedFiles } from "../../core/contracts/buffer.ts";
import type { WatermarkRange } from "../../core/contracts/connector.ts";
import { BufferError } from "../../core/errors.ts";
import type { RunContext } from "../contract/run_context.ts";
import { chooseLoadSettings, type LoadOptions } from "../plan/load_settings.ts";
import type { StreamPlan } from "../plan/pipeline_plan.ts";
import type { ResolvedFields } from "../plan/resolve_fields.ts";
import type { ConnectionClient } from "../worker/connection_client.ts";
import { plainClass } from "../worker/connection_clients.ts";
import { type ExtractSpec, newStats } from "../worker/extract_spec.ts";
import { extractToStage } from "./extract_partitions.ts";

/** Whether a load deletes records, and its stage has only some keys: that of a range, or of a repair. */
export function needsKeys(
  plan: StreamPlan,
  context: LoadOptions,
  range: Pick<WatermarkRange, "field"> | undefined,
): boolean {
  const { deletes } = chooseLoadSettings(plan, context);
  const isPart = range !== undefined || context.only?.has(plan.stream.id) === true;
  return isPart && deletes !== undefined && deletes.spares !== true;
}

/** Reads the keys of all records of a source. */
export async function stageKeys(
  plan: StreamPlan,
  context: RunContext,
  buffer: Buffer,
  source: ConnectionClient,
  spec: ExtractSpec,
  details: StageDetails,
): Promise<StagedFiles> {
  const { watermark: _watermark, isLimited: _isLimited, ...about } = details;
  return await extractToStage({
    ...{ source, context, stage: buffer, buffer: plan.buffer, transformer: undefined },
    extractor: plainClass(plan.extractor),
    spec: selectKeys(spec, chooseLoadSettings(plan, context).upsertKeys),
    stats: newStats(),
    details: () => about,
  }, { most: plan.buffer.format === "memory" ? 1 : context.threads.most });
}

/** The specification of an extraction of keys, from that of their records. */
function selectKeys(spec: ExtractSpec, keys: readonly string[]): ExtractSpec {
  const { only: _only, request: { range: _range, limit: _limit, ...request }, ...rest } = spec;
  const isKey = ({ name }: ResolvedFields["generated"][number]) => keys.includes(name);
  return {
    ...rest,
    request: {
      ...request,
      projections: request.projections.filter(({ field }) => isKey(field)),
      // The extraction of the records has checked the fields of the source.
      complete: false,
    },
    generated: spec.generated.filter(isKey),
    summarize: "counts",
  };
}

/**
 * Opens the keys that belong to a stage.
 *
 * @throws {BufferError} where they are missing, or were read for another stage
 */
export async function openStagedKeys(buffer: Buffer, staged: StagedFiles): Promise<StagedFiles> {
  const keys = await buffer.open();
  if (keys !== undefined && keys.details.run_id === staged.details.run_id) return keys;
  throw new BufferError(
    `Cannot load from "${buffer.location}": the keys of the source are not staged there, which show what to delete; dxt run reads the stream anew`,
  );
}
