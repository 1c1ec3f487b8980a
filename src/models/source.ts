import { z } from "zod";
import { Compression, Format, FormatOptions } from "./format.ts";

const text = z.string().min(1);
const json = z.record(z.string(), z.unknown());
const of = <T extends string, S extends z.ZodRawShape>(type: T, about: string, shape: S) =>
  z.strictObject({ type: z.literal(type), ...shape }).describe(about);

const file = {
  format: Format.optional().describe("When the name does not tell"),
  compression: Compression.optional().describe("When the name does not tell"),
  options: FormatOptions.optional(),
};

const request = {
  path: text.describe("Path below the connection's base URL"),
  method: z.enum(["GET", "POST"]).optional().describe("GET when absent"),
  params: json.optional().describe("Query parameters"),
  headers: z.record(z.string(), z.string()).optional(),
  body: z.unknown().optional().describe("JSON body"),
  records: z.string().optional().describe("Where the records are in the answer, as a.b.c"),
};

export const Pagination = z.strictObject({
  style: z.enum(["page", "offset", "cursor", "link"]),
  param: text.optional().describe("Query parameter of the page, offset or cursor"),
  size_param: text.optional().describe("Query parameter of the page's size"),
  size: z.int().min(1).optional(),
  cursor: text.optional().describe("Where the next cursor is in the answer, as a.b.c"),
}).describe("How the next page is asked for");

/** What a stream reads: one shape for each way that each category of systems has. */
export const StreamSource = z.discriminatedUnion("type", [
  of("relation", "A table or view", {
    name: text.describe("Its name, or schema.name"),
    schema: text.optional().describe("Its schema, when the name holds dots of its own"),
    where: text.optional().describe("Condition in the source's SQL"),
  }),
  of("sql", "What a query returns", { sql: text }),
  of("function", "What a set-returning function returns", {
    name: text,
    args: z.array(z.union([z.string(), z.number(), z.boolean(), z.null()])).optional(),
  }),
  of("collection", "A whole collection", { name: text }),
  of("query", "The documents that a filter finds", {
    collection: text,
    filter: json,
    projection: json.optional(),
    sort: json.optional(),
  }),
  of("aggregate", "What an aggregation pipeline returns", {
    collection: text,
    pipeline: z.array(json),
  }),
  of("file", "One file", { path: text, ...file }),
  of("glob", "The files that a pattern finds, one stream together", { pattern: text, ...file }),
  of("directory", "The files of a folder, one stream together", {
    path: text,
    recursive: z.boolean().optional(),
    ...file,
  }),
  of("endpoint", "One answer of an HTTP endpoint", request),
  of("paginated", "All pages of an HTTP endpoint", { ...request, pagination: Pagination }),
  of("keys", "Keys with their values", { pattern: text }),
  of("hash", "Hashes, a record each", { pattern: text }),
  of("list", "The elements of a list", { key: text }),
  of("set", "The members of a set", { key: text }),
  of("cypher", "What a Cypher query returns", { query: text, params: json.optional() }),
  of("nodes", "Nodes with a label", { label: text }),
  of("edges", "Relationships of a type", { relationship: text }),
]).meta({ id: "StreamSource", description: "What a stream reads" });
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

/** The source types of each category; a source of another category is refused. */
export const CATEGORY_SOURCES = {
  relational: ["relation", "sql", "function"],
  document: ["collection", "query", "aggregate"],
  filestore: ["file", "glob", "directory"],
  webapi: ["endpoint", "paginated"],
  keyvalue: ["keys", "hash", "list", "set"],
  graph: ["cypher", "nodes", "edges"],
} as const satisfies Record<Category, readonly SourceType[]>;

/** Where a stream goes: the same shapes, those that can be written. */
export const StreamTarget = z.discriminatedUnion("type", [
  of("relation", "A table", { name: text, schema: text.optional() }),
  of("collection", "A collection", { name: text }),
  of("file", "One file", { path: text, ...file }),
  of("directory", "Files in a folder, named as in the source", { path: text, ...file }),
  of("endpoint", "An HTTP endpoint", { path: text, method: z.enum(["POST", "PUT"]).optional() }),
  of("hash", "Hashes, a record each", { pattern: text }),
  of("nodes", "Nodes with a label", { label: text }),
]).meta({ id: "StreamTarget", description: "Where a stream goes" });
export type StreamTarget = z.infer<typeof StreamTarget>;

/** A dataset of a system, to read or to write. */
export type StreamRef = StreamSource | StreamTarget;

/** What a bare string means: a table, a collection, a file or pattern, an endpoint, keys, a label. */
export function sourceOf(category: Category, text: string): StreamSource {
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

/** As {@linkcode sourceOf}, for a target, which is no pattern of files and no set of keys. */
export function targetOf(category: Category, text: string): StreamTarget {
  if (category === "keyvalue") return { type: "hash", pattern: text };
  if (category === "filestore") {
    return { type: text.endsWith("/") ? "directory" : "file", path: text };
  }
  return sourceOf(category, text) as StreamTarget;
}
