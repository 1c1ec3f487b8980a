/** A stage of the source's own files, bytes untouched. */
import { join } from "node:path";
import type { Buffer, StagedData, StageDetails, StagedFile } from "../core/buffer.ts";
import { BufferError } from "../core/errors.ts";
import type { SourceFile } from "../core/extractor.ts";
import type { Extraction } from "../core/proof.ts";
import { writeFile } from "./disk.ts";
import { type Manifest, readManifest } from "./manifest.ts";
import { Proven } from "./proven.ts";
import { partName } from "./part.ts";
import { clear, commit } from "./stage.ts";
import { openStaged, readStaged } from "./staged.ts";

const FORMAT = "passthrough";

export class PassthroughBuffer implements Buffer {
  constructor(readonly location: string) {}

  write(): Promise<StagedData> {
    return Promise.reject(
      new BufferError("Cannot pass records through: expected files, or another buffer format"),
    );
  }

  writeParts(): Promise<StagedData> {
    return this.write();
  }

  async writeFiles(
    files: Extraction<SourceFile>,
    details: () => StageDetails,
  ): Promise<StagedData> {
    const source = new Proven(files, () => 1);
    try {
      const manifest = await commit(this.location, async (folder) => ({
        kind: "files",
        format: FORMAT,
        compression: "none",
        options: {},
        fields: [],
        files: await copyFiles(folder, source),
        count: source.count,
        evidence: source.proof.evidence,
        details: details(),
      }));
      return this.#staged(manifest);
    } finally {
      await source.close();
    }
  }

  async open(): Promise<StagedData | undefined> {
    const manifest = await readManifest(this.location);
    if (manifest === undefined) return undefined;
    if (manifest.kind === "files" && manifest.format === FORMAT) return this.#staged(manifest);
    throw new BufferError(
      `Cannot open stage "${this.location}": it holds ${manifest.format}, expected ${FORMAT}`,
    );
  }

  clear(): Promise<void> {
    return clear(this.location);
  }

  #staged(manifest: Manifest): StagedData {
    const refuse = (): never => {
      throw new BufferError("Cannot read records of a passthrough stage: it holds files");
    };
    return {
      kind: "files",
      fields: [],
      count: manifest.count,
      files: manifest.files as StagedFile[],
      details: manifest.details as StageDetails,
      evidence: manifest.evidence,
      readBatches: refuse,
      readRecords: refuse,
      slice: refuse,
      readFile: (name, start, end) => readStaged(this.location, manifest, name, start, end),
      openFile: (name) => openStaged(this.location, manifest, name),
    };
  }
}

/** Names of the source may be anything, so staged files have names of their own. */
async function copyFiles(folder: string, source: Proven<SourceFile>): Promise<StagedFile[]> {
  const files: StagedFile[] = [];
  for await (const file of source) {
    const name = partName(files.length);
    const written = await writeFile(join(folder, name), bytesOf(file));
    if (written.size !== file.size) {
      throw new BufferError(
        `Cannot stage "${file.path}": it gave ${written.size} bytes, its source told ${file.size}`,
      );
    }
    files.push({ name, rows: 0, ...written, original_name: file.name });
  }
  return files;
}

/** Opened only when there is a place for its bytes. */
async function* bytesOf(file: SourceFile): AsyncGenerator<Uint8Array, void, void> {
  yield* await file.open();
}
