import { z } from "zod";
import { Compression, Format, FormatOptions } from "./format.ts";

export const BufferSettings = z.strictObject({
  format: z.union([Format, z.enum(["passthrough", "memory"])]).optional()
    .describe("Of the staged files; passthrough keeps the source's bytes (default: parquet)"),
  compression: Compression.optional().describe("Of the staged files; zstd for parquet, else none"),
  options: FormatOptions.optional(),
  location: z.string().min(1).optional().describe("Folder of the stage; .dxt/stage"),
  file_bytes: z.int().min(65_536).optional()
    .describe(
      "A staged file is closed and the next begun at this size at the latest (default: 16 MiB)",
    ),
  cleanup_on_success: z.boolean().optional().describe(
    "Delete the stage after the load (default: true)",
  ),
  retain_on_failure: z.boolean().optional()
    .describe("Keep a committed stage when the load fails, for dxt load (default: true)"),
}).meta({ id: "Buffer", description: "The stage between extract and load" });
export type BufferSettings = z.infer<typeof BufferSettings>;
