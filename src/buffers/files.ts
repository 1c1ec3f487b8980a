/** The stage on disk: records in a file format, or copies of the source's files. */
import type {
  Buffer,
  OpenStage,
  RejectedFile,
  StageDetails,
  StagedFile,
  StagedFiles,
  StageLock,
  StageOrigin,
  WrittenPart,
} from "../core/contracts/buffer.ts";
import type { Claim } from "../core/files/run_lock.ts";
import { BufferError } from "../core/errors.ts";
import type { Field } from "../models/field.ts";
import { mergeSummaries } from "../core/values/totals.ts";
import { type Manifest, readManifest, sumCounts } from "./manifest.ts";
import { clearStage, commitStage } from "./stage.ts";
import { lockStage } from "./stage_lock.ts";
import { createSlice, openStage } from "./staged.ts";

/** The part of a manifest that is known before any file exists. */
export type FileKind = Pick<Manifest, "kind" | "format" | "compression" | "options">;

/** A stage in a folder. */
export class FileBuffer implements Buffer {
  constructor(readonly location: string, private readonly kind: FileKind) {}

  lock(claim: Claim, signal: AbortSignal): Promise<StageLock> {
    return lockStage(this.location, claim, signal);
  }

  async write(
    fields: readonly Field[],
    write: (stage: OpenStage) => Promise<readonly WrittenPart[]>,
    details: () => StageDetails,
    origin: StageOrigin,
  ): Promise<StagedFiles> {
    const common = { ...this.kind, fields: [...fields] };
    const { location } = this;
    const manifest = await commitStage(location, origin, async ({ name, ...files }) => {
      const parts = await write({
        ...files,
        fields: common.fields,
        slice: (files) =>
          createSlice(location, {
            ...common,
            folder: name,
            files: [...files],
            count: sumCounts(common.kind, files),
            evidence: "",
            details: details(),
          }),
      });
      const summary = mergeSummaries(parts.map(({ summary }) => summary));
      const rejected = parts.flatMap(({ rejected = [] }) => rejected);
      return {
        ...common,
        ...(summary === undefined ? {} : { summary }),
        ...(rejected.length === 0 ? {} : { rejected: rejected.map(withoutBytes) }),
        files: parts.flatMap(({ files }) => files),
        count: parts.reduce((sum, { count }) => sum + count, 0),
        evidence: parts.map(({ evidence }) => evidence).join(", "),
        details: details(),
      };
    });
    return openStage(location, manifest);
  }

  async open(): Promise<StagedFiles | undefined> {
    const manifest = await readManifest(this.location);
    if (manifest === undefined) return undefined;
    const { kind, format } = this.kind;
    if (manifest.kind === kind && manifest.format === format) {
      return openStage(this.location, manifest);
    }
    throw new BufferError(
      `Cannot open stage "${this.location}": it holds ${manifest.format}, expected ${format}`,
    );
  }

  clear(): Promise<void> {
    return clearStage(this.location);
  }
}

/** A manifest has no bytes of dead letters: they are in a file beside it. */
function withoutBytes({ bytes: _, ...file }: RejectedFile): StagedFile {
  return file;
}
