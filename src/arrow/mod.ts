/** The one door to apache-arrow. */
export type { Data, Schema } from "apache-arrow";
export * from "./batch.ts";
export * from "./builder.ts";
export * from "./canonical.ts";
export * from "./column.ts";
export * from "./data.ts";
export * from "./kept.ts";
export * from "./filter.ts";
export * from "./ipc.ts";
export * from "./lz4.ts";
export * from "./reader.ts";
export * from "./schema.ts";
export * from "./text.ts";
export * from "./value_bounds.ts";
