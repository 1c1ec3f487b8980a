/** The `buffer` section of a pipeline: how and where the stage is stored. */
import { z } from "zod";
import { Compression, Format, FormatOptions } from "./format.ts";

export const BufferSettings = z.strictObject({
  format: z.union([Format, z.enum(["passthrough", "memory"])]).optional()
    .describe(
      "Format of the staged files; passthrough copies the source's files unchanged (default: parquet)",
    ),
  compression: Compression.optional().describe(
    "Compression of the staged files (default: zstd for parquet, otherwise none)",
  ),
  options: FormatOptions.optional(),
  location: z.string().min(1).optional().describe("Folder of the stage (default: .dxt/stage)"),
  file_bytes: z.int().min(65_536).optional()
    .describe(
      "Size at which a staged file is closed and the next one begins (default: 16 MiB)",
    ),
  cleanup_on_success: z.boolean().optional().describe(
    "Delete the stage after the load (default: true)",
  ),
  retain_on_failure: z.boolean().optional()
    .describe(
      "Retain a committed stage when the load fails, so that dxt load can retry (default: true)",
    ),
}).meta({ id: "Buffer", description: "The stage between extract and load" });
export type BufferSettings = z.infer<typeof BufferSettings>;
