/** Tells TypeScript, JavaScript and JSON apart. */
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

/** Returns the kind implied by a module's extension, which overrides the server's type. */
export function kindByName(url: string): SourceKind | undefined {
  const extension = /\.(\w+)$/.exec(new URL(url).pathname)?.[1]?.toLowerCase();
  return extension === undefined ? undefined : EXTENSIONS[extension];
}

/** Returns the kind that a server declares; undefined for a type that is not a module's. */
export function kindByType(contentType: string | null): SourceKind | undefined {
  const type = /^[^;]*/.exec(contentType ?? "")![0];
  return TYPES[type.trim().toLowerCase()];
}
