/** The source's own files in a stage, bytes untouched. */
import { join } from "node:path";
import type { StagedFile, WrittenPart } from "../core/contracts/buffer.ts";
import { BufferError } from "../core/errors.ts";
import type { SourceFile } from "../core/contracts/extractor.ts";
import type { Extraction } from "../core/contracts/proof.ts";
import { writeFile } from "./durable_file.ts";
import { partFileName, type PartPlace } from "./part.ts";
import { VerifiedExtraction } from "./verified_extraction.ts";

/**
 * Copies files into a folder. Names of the source may be anything, so staged files have names of
 * their own.
 *
 * @throws {BufferError} when a file is not as large as its source said, or the proof is missing
 */
export async function copyFiles(
  { folder, onBytes }: Pick<PartPlace, "folder" | "onBytes">,
  extraction: Extraction<SourceFile>,
): Promise<WrittenPart> {
  const source = new VerifiedExtraction(extraction, () => 1);
  try {
    const files: StagedFile[] = [];
    for await (const file of source) {
      const name = partFileName(files.length);
      const written = await writeFile(join(folder, name), bytesOf(file, onBytes));
      if (written.size !== file.size) {
        throw new BufferError(
          `Cannot stage "${file.path}": it gave ${written.size} bytes, its source told ${file.size}`,
        );
      }
      files.push({ name, rows: 0, ...written, original_name: file.name });
    }
    return { files, count: source.count, evidence: source.proof.evidence };
  } finally {
    await source.close();
  }
}

/** Opened only when there is a place for its bytes. */
async function* bytesOf(
  file: SourceFile,
  onBytes: (bytes: number) => void = () => {},
): AsyncGenerator<Uint8Array, void, void> {
  for await (const chunk of await file.open()) {
    onBytes(chunk.length);
    yield chunk;
  }
}
