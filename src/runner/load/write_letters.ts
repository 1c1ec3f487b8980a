/** Writes the dead letters of a load: they appear only if the load commits. */
import { isUnknownOutcome } from "../../core/errors.ts";
import type { LoadReceipt } from "../../core/contracts/loader.ts";
import type { HostReceipt } from "../../integrity/receipt.ts";
import type { Field } from "../../models/field.ts";
import type { RunContext } from "../contract/run_context.ts";
import { rejectsRows } from "../plan/load_settings.ts";
import type { StreamPlan } from "../plan/pipeline_plan.ts";
import type { LetterBox } from "../worker/connection_client.ts";

/** Publishes or removes the letters of a load that was in doubt, now that its outcome is known. */
export async function settleLetters(
  { letters: { folder } }: StreamPlan,
  runId: string,
  isCommitted: boolean,
): Promise<void> {
  const { listLetters, publishLetters } = await import("../../integrity/dead_letters.ts");
  for (const { path, header, isInDoubt } of await listLetters(folder)) {
    if (!isInDoubt || header.run_id !== runId) continue;
    if (isCommitted) publishLetters(path);
    else await Deno.remove(path);
  }
}

/** Calls `load`, whose letters become a file when it has committed. */
export async function writeLetters(
  plan: StreamPlan,
  { runId, startedAt }: RunContext,
  fields: readonly Field[],
  load: (letters: LetterBox) => Promise<LoadReceipt>,
): Promise<HostReceipt> {
  if (!rejectsRows(plan.stream)) {
    const refuse = () => {
      throw new TypeError("Cannot reject rows: the pipeline does not allow it");
    };
    return await load({ append: refuse, seal: refuse });
  }
  const { pipeline, stream, letters: { folder } } = plan;
  const { LetterWriter } = await import("../../integrity/dead_letters.ts");
  const at = startedAt.toString({ smallestUnit: "millisecond" });
  const header = { version: 1, pipeline, stream: stream.id, run_id: runId, at } as const;
  const writer = new LetterWriter(folder, { ...header, fields: [...fields] });
  let failure: unknown;
  try {
    const receipt = await load({
      append(letters) {
        // What cannot be written now cannot be sealed later.
        try {
          if (failure === undefined) writer.append(letters);
        } catch (error) {
          failure = error;
        }
      },
      seal() {
        if (failure !== undefined) return Promise.reject(failure);
        writer.seal();
        return Promise.resolve();
      },
    });
    const { rows, reasons } = writer;
    const path = writer.publish();
    return path === undefined
      ? receipt
      : { ...receipt, letters: { rows, reasons, dead_letters: path } };
  } catch (error) {
    if (isUnknownOutcome(error)) writer.keep();
    else writer.discard();
    throw error;
  }
}
