/** The `buffer` section of a pipeline: how and where the stage is stored. */
import { z } from "zod";
import { describedEnum, withDefault } from "./describe.ts";
import { Compression, Format, FormatOptions } from "./format.ts";

export const BufferSettings = z.strictObject({
  format: z.union([
    Format,
    describedEnum({
      passthrough: "The source's files, unchanged",
      memory: "No files: for small streams, lost when the run ends",
    }),
  ]).optional()
    .meta(
      withDefault(
        "Format of the staged files; passthrough copies the source's files unchanged",
        "parquet",
      ),
    ),
  compression: Compression.optional().describe(
    "Compression of the staged files (default: zstd for parquet, otherwise none)",
  ),
  options: FormatOptions.optional(),
  location: z.string().min(1).optional().meta(withDefault("Folder of the stage", ".dxt/stage")),
  file_bytes: z.int().min(65_536).optional()
    .meta(
      withDefault(
        "Size at which a staged file is closed and the next one begins",
        16 * 1024 * 1024,
        "16 MiB",
      ),
    ),
  cleanup_on_success: z.boolean().optional().meta(
    withDefault("Delete the stage after the load", true),
  ),
  retain_on_failure: z.boolean().optional()
    .meta(
      withDefault("Retain a committed stage when the load fails, so that dxt load can retry", true),
    ),
}).meta({ id: "Buffer", description: "The stage between extract and load" });
export type BufferSettings = z.infer<typeof BufferSettings>;
