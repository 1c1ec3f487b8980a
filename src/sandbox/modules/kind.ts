import type { SourceKind } from "./imports.ts";

const EXTENSIONS: Readonly<Record<string, SourceKind>> = {
  ts: "typescript",
  mts: "typescript",
  js: "javascript",
  mjs: "javascript",
  json: "json",
};

const TYPES: Readonly<Record<string, SourceKind>> = {
  "application/typescript": "typescript",
  "text/typescript": "typescript",
  "application/x-typescript": "typescript",
  "application/javascript": "javascript",
  "text/javascript": "javascript",
  "application/x-javascript": "javascript",
  "application/ecmascript": "javascript",
  "text/ecmascript": "javascript",
  "application/json": "json",
  "text/json": "json",
};

/** What a module's file is, where its name tells: servers know less of it than authors. */
export function kindOfName(url: string): SourceKind | undefined {
  const extension = /\.(\w+)$/.exec(new URL(url).pathname)?.[1]?.toLowerCase();
  return extension === undefined ? undefined : EXTENSIONS[extension];
}

/** What a server says that a module is; undefined when it says nothing that could be one. */
export function kindOfType(contentType: string | null): SourceKind | undefined {
  const type = /^[^;]*/.exec(contentType ?? "")![0];
  return TYPES[type.trim().toLowerCase()];
}
