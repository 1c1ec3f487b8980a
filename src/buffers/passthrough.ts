/** Copies the source's files into a stage, unchanged. */
import { join } from "node:path";
import type { StagedFile, WrittenPart } from "../core/contracts/buffer.ts";
import { BufferError } from "../core/errors.ts";
import type { SourceFile } from "../core/contracts/extractor.ts";
import type { Extraction } from "../core/contracts/proof.ts";
import { writeFile } from "./durable_file.ts";
import { partFileName, type PartPlace, writeVerified } from "./part.ts";

/**
 * Copies files into a folder. Names in the source may be invalid here, so staged files get names of
 * their own.
 *
 * @throws {BufferError} when a file's size differs from what the source declared, or the completion
 * proof is missing
 */
export async function copyFiles(
  { folder, onBytes }: Pick<PartPlace, "folder" | "onBytes">,
  extraction: Extraction<SourceFile>,
): Promise<WrittenPart> {
  return await writeVerified(extraction, () => 1, async (source) => {
    const files: StagedFile[] = [];
    for await (const file of source) {
      const name = partFileName(files.length);
      const written = await writeFile(join(folder, name), readBytes(file, onBytes));
      if (written.size !== file.size) {
        throw new BufferError(
          `Cannot stage "${file.path}": the source sent ${written.size} bytes, but declared ${file.size}`,
        );
      }
      files.push({ name, rows: 0, ...written, original_name: file.name });
    }
    return { files };
  });
}

/** Opens the file only once its target exists. */
async function* readBytes(
  file: SourceFile,
  onBytes: (bytes: number) => void = () => {},
): AsyncGenerator<Uint8Array, void, void> {
  for await (const chunk of await file.open()) {
    onBytes(chunk.length);
    yield chunk;
  }
}
