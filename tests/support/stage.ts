/** Stages in one thread what a run stages in several. */
import { openBuffer, readStage, stagePart } from "../../src/buffers/mod.ts";
import type { Batch } from "../../src/core/contracts/batch.ts";
import type {
  Buffer,
  StagedData,
  StageDetails,
  StagedFiles,
} from "../../src/core/contracts/buffer.ts";
import type { SourceFile } from "../../src/core/contracts/extractor.ts";
import type { Extraction } from "../../src/core/contracts/proof.ts";
import type { BufferSettings } from "../../src/models/buffer.ts";
import type { Field } from "../../src/models/field.ts";

const DETAILS: StageDetails = { pipeline: "p", stream: "s", run_id: "r", source: null };

/** Writes an extraction as the only part of a stage that was opened with the same settings. */
export async function stageWhole(
  buffer: Buffer,
  settings: BufferSettings,
  fields: readonly Field[],
  extraction: Extraction<Batch> | Extraction<SourceFile>,
  details: StageDetails = DETAILS,
): Promise<StagedFiles> {
  return await buffer.write(
    fields,
    async ({ folder }) => [await stagePart(settings, { folder, fields }, extraction)],
    () => details,
    { unrepeatable: "a test has staged it" },
  );
}

/** As {@linkcode stageWhole}, into a stage in this folder. */
export async function stageIn(
  directory: string,
  settings: BufferSettings,
  fields: readonly Field[],
  extraction: Extraction<Batch> | Extraction<SourceFile>,
): Promise<StagedFiles> {
  return await stageWhole(await openBuffer(settings, directory), settings, fields, extraction);
}

/** A committed stage as a loader reads it. */
export function readCommitted(staged: StagedFiles): StagedData {
  return readStage(
    staged,
    async function* () {
      yield await Promise.resolve(staged.slice(staged.files));
    },
    () => Promise.resolve(staged),
    { pause: () => Promise.resolve(), onRead() {} },
  );
}
