/** The only door to apache-arrow. */
export type { Data, Schema } from "apache-arrow";
export * from "./batch.ts";
export * from "./builder.ts";
export * from "./canonical.ts";
export * from "./column.ts";
export * from "./data.ts";
export * from "./restore_schema.ts";
export * from "./filter.ts";
export * from "./ipc/mod.ts";
export * from "./ipc/lz4.ts";
export { holdsJSON } from "./json.ts";
export * from "./reader.ts";
export * from "./schema.ts";
export { formatTotal } from "./summary/format_total.ts";
export { hashRows, Summarizer } from "./summary/summarizer.ts";
export * from "./text.ts";
export * from "./value_bounds.ts";
