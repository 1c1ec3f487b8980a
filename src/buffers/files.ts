/** A stage of files in one of the formats. */
import type { Batch } from "../core/batch.ts";
import type { Buffer, OpenStage, StagedData, StageDetails, WrittenPart } from "../core/buffer.ts";
import { BufferError } from "../core/errors.ts";
import type { Extraction } from "../core/proof.ts";
import type { Field } from "../models/field.ts";
import { type Manifest, readManifest } from "./manifest.ts";
import { type FileSettings, writePart } from "./part.ts";
import { clear, commit } from "./stage.ts";
import { rowsOf, sliceOf, stagedOf } from "./staged.ts";

export class FileBuffer implements Buffer {
  constructor(readonly location: string, private readonly settings: FileSettings) {}

  write(
    fields: readonly Field[],
    batches: Extraction<Batch>,
    details: () => StageDetails,
  ): Promise<StagedData> {
    return this.writeParts(
      fields,
      async ({ folder }) => [await writePart(this.settings, { folder, fields }, batches)],
      details,
    );
  }

  async writeParts(
    fields: readonly Field[],
    write: (stage: OpenStage) => Promise<readonly WrittenPart[]>,
    details: () => StageDetails,
  ): Promise<StagedData> {
    const { format, compression, options } = this.settings;
    const common = {
      kind: "records" as const,
      format: format.name,
      compression,
      options,
      fields: [...fields],
    };
    const { location } = this;
    const manifest = await commit(location, async (folder, name) => {
      const parts = await write({
        folder,
        slice: (files) =>
          sliceOf(location, {
            ...common,
            version: 1,
            folder: name,
            files: [...files],
            count: rowsOf(files),
            evidence: "",
            details: details(),
          }),
      });
      return {
        ...common,
        files: parts.flatMap(({ files }) => files),
        count: parts.reduce((sum, { count }) => sum + count, 0),
        evidence: parts.map(({ evidence }) => evidence).join(", "),
        details: details(),
      };
    });
    return this.#staged(manifest);
  }

  writeFiles(): Promise<StagedData> {
    return Promise.reject(
      new BufferError(`Cannot stage files as ${this.#format}: expected format passthrough`),
    );
  }

  async open(): Promise<StagedData | undefined> {
    const manifest = await readManifest(this.location);
    if (manifest === undefined) return undefined;
    if (manifest.kind === "records" && manifest.format === this.#format) {
      return this.#staged(manifest);
    }
    throw new BufferError(
      `Cannot open stage "${this.location}": it holds ${manifest.format}, expected ${this.#format}`,
    );
  }

  clear(): Promise<void> {
    return clear(this.location);
  }

  get #format(): string {
    return this.settings.format.name;
  }

  #staged(manifest: Manifest): StagedData {
    return stagedOf(this.location, manifest, this.settings.format);
  }
}
