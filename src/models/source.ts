/** Datasets that streams read and write, by category. */
import { z } from "zod";
import { describedEnum, withDefault } from "./describe.ts";
import { Compression, Format, FormatOptions } from "./format.ts";

const text = z.string().min(1);
const json = z.record(z.string(), z.unknown());
const variant = <T extends string, S extends z.ZodRawShape>(type: T, about: string, shape: S) =>
  z.strictObject({ type: z.literal(type).describe(about), ...shape }).describe(about);

const file = {
  format: Format.optional().describe("Required where the file's name does not imply it"),
  compression: Compression.optional().describe("Required where the file's name does not imply it"),
  options: FormatOptions.optional(),
};

const request = {
  path: text.describe("Path below the connection's base URL"),
  method: describedEnum({
    GET: "Sends no body",
    POST: "Sends a body",
  }).optional().meta(withDefault("HTTP method", "GET")),
  params: json.optional().describe("Query parameters"),
  headers: z.record(z.string(), z.string()).optional().describe("HTTP headers, by name"),
  body: z.unknown().optional().describe("JSON body"),
  records: z.string().optional().describe("Path of the records in the answer, such as a.b.c"),
};

export const Pagination = z.strictObject({
  style: describedEnum({
    page: "The number of the page, from 1",
    offset: "The number of records before the page",
    cursor: "A text from the previous response",
    link: "The URL in the Link header of the previous response",
  }).describe("How the next page is requested"),
  param: text.optional().describe("Query parameter of the page, offset or cursor"),
  size_param: text.optional().describe("Query parameter of the page's size"),
  size: z.int().min(1).optional().describe("Records of one page"),
  cursor: text.optional().describe("Path of the next cursor in the response, such as a.b.c"),
}).describe("How to request the next page");

/** The dataset that a stream reads: one variant for each kind of each category. */
export const StreamSource = z.discriminatedUnion("type", [
  variant("relation", "A table or view", {
    name: text.describe("Its name, or schema.name"),
    schema: text.optional().describe("Its schema, when the name contains dots"),
    where: text.optional().describe("Condition in the source's SQL"),
  }),
  variant("sql", "The result of a query", { sql: text.describe("One SELECT in the source's SQL") }),
  variant("function", "The result of a set-returning function", {
    name: text.describe("Name of the function, or schema.name"),
    args: z.array(z.union([z.string(), z.number(), z.boolean(), z.null()])).optional()
      .describe("Arguments, in order"),
  }),
  variant("collection", "A whole collection", { name: text.describe("Name of the collection") }),
  variant("query", "Documents that match a filter", {
    collection: text.describe("Name of the collection"),
    filter: json.describe("Condition in the source's own form"),
    projection: json.optional().describe("Fields to read, in the source's own form"),
    sort: json.optional().describe("Order of the documents, in the source's own form"),
  }),
  variant("aggregate", "The result of an aggregation pipeline", {
    collection: text.describe("Name of the collection"),
    pipeline: z.array(json).describe("Stages of the aggregation, in order"),
  }),
  variant("file", "One file", { path: text.describe("Path of the file"), ...file }),
  variant("glob", "Files that match a pattern, together one stream", {
    pattern: text.describe("Path with *, ?, ** or {a,b}, such as in/**/*.csv"),
    ...file,
  }),
  variant("directory", "Files of a folder, together one stream", {
    path: text.describe("Path of the folder"),
    recursive: z.boolean().optional().meta(
      withDefault("Whether subfolders are read, too", false),
    ),
    ...file,
  }),
  variant("endpoint", "One answer of an HTTP endpoint", request),
  variant("paginated", "All pages of an HTTP endpoint", { ...request, pagination: Pagination }),
  variant("keys", "Keys with their values", { pattern: text.describe("Keys, with * and ?") }),
  variant("hash", "Hashes, one record each", { pattern: text.describe("Keys, with * and ?") }),
  variant("list", "The elements of a list", { key: text.describe("Key of the list") }),
  variant("set", "The members of a set", { key: text.describe("Key of the set") }),
  variant("cypher", "The result of a Cypher query", {
    query: text.describe("One query in Cypher"),
    params: json.optional().describe("Parameters, by name"),
  }),
  variant("nodes", "Nodes with a label", { label: text.describe("Label of the nodes") }),
  variant("edges", "Relationships of a type", {
    relationship: text.describe("Type of the relationships"),
  }),
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
  variant("relation", "A table", {
    name: text.describe("Its name, or schema.name"),
    schema: text.optional().describe("Its schema, when the name contains dots"),
  }),
  variant("collection", "A collection", { name: text.describe("Name of the collection") }),
  variant("file", "One file", { path: text.describe("Path of the file"), ...file }),
  variant("directory", "Files in a folder, named as in the source", {
    path: text.describe("Path of the folder"),
    ...file,
  }),
  variant("endpoint", "An HTTP endpoint", {
    path: text.describe("Path below the connection's base URL"),
    method: describedEnum({ POST: "Adds", PUT: "Replaces" }).optional().describe(
      "HTTP method",
    ),
  }),
  variant("hash", "Hashes, one record each", {
    pattern: text.describe("Key of a record, with fields in braces"),
  }),
  variant("nodes", "Nodes with a label", { label: text.describe("Label of the nodes") }),
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
