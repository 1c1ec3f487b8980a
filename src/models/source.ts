/** Datasets that streams read and write, by category. */
import { z } from "zod";
import { Compression, Format, FormatOptions } from "./format.ts";

const text = z.string().min(1);
const json = z.record(z.string(), z.unknown());
const variant = <T extends string, S extends z.ZodRawShape>(type: T, about: string, shape: S) =>
  z.strictObject({ type: z.literal(type), ...shape }).describe(about);

const file = {
  format: Format.optional().describe("Required where the file's name does not imply it"),
  compression: Compression.optional().describe("Required where the file's name does not imply it"),
  options: FormatOptions.optional(),
};

const request = {
  path: text.describe("Path below the connection's base URL"),
  method: z.enum(["GET", "POST"]).optional().describe("GET when absent"),
  params: json.optional().describe("Query parameters"),
  headers: z.record(z.string(), z.string()).optional(),
  body: z.unknown().optional().describe("JSON body"),
  records: z.string().optional().describe("Path of the records in the answer, such as a.b.c"),
};

export const Pagination = z.strictObject({
  style: z.enum(["page", "offset", "cursor", "link"]),
  param: text.optional().describe("Query parameter of the page, offset or cursor"),
  size_param: text.optional().describe("Query parameter of the page's size"),
  size: z.int().min(1).optional(),
  cursor: text.optional().describe("Path of the next cursor in the answer, such as a.b.c"),
}).describe("How to request the next page");

/** The dataset that a stream reads: one variant for each kind of each category. */
export const StreamSource = z.discriminatedUnion("type", [
  variant("relation", "A table or view", {
    name: text.describe("Its name, or schema.name"),
    schema: text.optional().describe("Its schema, when the name contains dots"),
    where: text.optional().describe("Condition in the source's SQL"),
  }),
  variant("sql", "The result of a query", { sql: text }),
  variant("function", "The result of a set-returning function", {
    name: text,
    args: z.array(z.union([z.string(), z.number(), z.boolean(), z.null()])).optional(),
  }),
  variant("collection", "A whole collection", { name: text }),
  variant("query", "Documents that match a filter", {
    collection: text,
    filter: json,
    projection: json.optional(),
    sort: json.optional(),
  }),
  variant("aggregate", "The result of an aggregation pipeline", {
    collection: text,
    pipeline: z.array(json),
  }),
  variant("file", "One file", { path: text, ...file }),
  variant("glob", "Files that match a pattern, together one stream", { pattern: text, ...file }),
  variant("directory", "Files of a folder, together one stream", {
    path: text,
    recursive: z.boolean().optional(),
    ...file,
  }),
  variant("endpoint", "One answer of an HTTP endpoint", request),
  variant("paginated", "All pages of an HTTP endpoint", { ...request, pagination: Pagination }),
  variant("keys", "Keys with their values", { pattern: text }),
  variant("hash", "Hashes, one record each", { pattern: text }),
  variant("list", "The elements of a list", { key: text }),
  variant("set", "The members of a set", { key: text }),
  variant("cypher", "The result of a Cypher query", { query: text, params: json.optional() }),
  variant("nodes", "Nodes with a label", { label: text }),
  variant("edges", "Relationships of a type", { relationship: text }),
]).meta({ id: "StreamSource", description: "Dataset that a stream reads" });
export type StreamSource = z.infer<typeof StreamSource>;
export type SourceType = StreamSource["type"];

export const CATEGORIES = [
  "relational",
  "document",
  "filestore",
  "webapi",
  "keyvalue",
  "graph",
] as const;
export const Category = z.enum(CATEGORIES);
export type Category = z.infer<typeof Category>;

/** Source types by category; sources of other categories are refused. */
export const CATEGORY_SOURCES = {
  relational: ["relation", "sql", "function"],
  document: ["collection", "query", "aggregate"],
  filestore: ["file", "glob", "directory"],
  webapi: ["endpoint", "paginated"],
  keyvalue: ["keys", "hash", "list", "set"],
  graph: ["cypher", "nodes", "edges"],
} as const satisfies Record<Category, readonly SourceType[]>;

/** The dataset that a stream writes: the variants that can be written. */
export const StreamTarget = z.discriminatedUnion("type", [
  variant("relation", "A table", { name: text, schema: text.optional() }),
  variant("collection", "A collection", { name: text }),
  variant("file", "One file", { path: text, ...file }),
  variant("directory", "Files in a folder, named as in the source", { path: text, ...file }),
  variant("endpoint", "An HTTP endpoint", {
    path: text,
    method: z.enum(["POST", "PUT"]).optional(),
  }),
  variant("hash", "Hashes, one record each", { pattern: text }),
  variant("nodes", "Nodes with a label", { label: text }),
]).meta({ id: "StreamTarget", description: "Dataset that a stream writes" });
export type StreamTarget = z.infer<typeof StreamTarget>;

/** A dataset of a system, to read or to write. */
export type StreamRef = StreamSource | StreamTarget;

/** Interprets a bare string: as table, collection, file or pattern, endpoint, keys, or label. */
export function parseSource(category: Category, text: string): StreamSource {
  switch (category) {
    case "relational":
      return { type: "relation", name: text };
    case "document":
      return { type: "collection", name: text };
    case "filestore":
      if (/[*?[{]/.test(text)) return { type: "glob", pattern: text };
      return text.endsWith("/") ? { type: "directory", path: text } : { type: "file", path: text };
    case "webapi":
      return { type: "endpoint", path: text };
    case "keyvalue":
      return { type: "keys", pattern: text };
    case "graph":
      return { type: "nodes", label: text };
  }
}

/** Like {@linkcode parseSource}, for a target, which is never a file pattern or a set of keys. */
export function parseTarget(category: Category, text: string): StreamTarget {
  if (category === "keyvalue") return { type: "hash", pattern: text };
  if (category === "filestore") {
    return { type: text.endsWith("/") ? "directory" : "file", path: text };
  }
  return parseSource(category, text) as StreamTarget;
}
