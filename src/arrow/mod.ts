/** The one door to apache-arrow. */
export type { Data } from "apache-arrow";
export * from "./batch.ts";
export * from "./builder.ts";
export * from "./column.ts";
export * from "./filter.ts";
export * from "./reader.ts";
export * from "./schema.ts";
export * from "./text.ts";
