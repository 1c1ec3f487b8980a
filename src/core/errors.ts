import { missingPermission } from "./permission_errors.ts";

/**
 * Every error that dxt raises on purpose. A message says what could not be done, the value in
 * double quotes, a colon, the detail, and current state then wanted, without a final period.
 */
export class DXTError extends Error {
  override get name(): string {
    return this.constructor.name;
  }
}

/** A pipeline, project, option or variable is wrong; the reader edits a file or a command. */
export class ConfigurationError extends DXTError {}
/** What is asked for needs more than it may. The message names hosts, paths and variables alone. */
export class PermissionError extends ConfigurationError {}
/** A system could not be reached or refused the login. */
export class ConnectionError extends DXTError {}
/** A connector could not do what it was asked. */
export class ConnectorError extends DXTError {}
export class ExtractorError extends DXTError {}
/** A part of an extraction cannot be read, while the whole may be: as parts of one moment they are lost. */
export class PartitionError extends ExtractorError {}
export class LoaderError extends DXTError {}
/** Source, stage and target do not agree on what was moved. */
export class VerificationError extends LoaderError {}
/** The stage could not be written, or is not what its manifest says. */
export class BufferError extends DXTError {}
/** Records and declared fields do not agree. */
export class ValidationError extends DXTError {}
/** Fields of source, declaration or target do not fit each other. */
export class SchemaError extends DXTError {}
/** A target holds less than a field, and the pipeline does not accept that. */
export class LossyConversionError extends SchemaError {}
/** A type has no lossless counterpart. */
export class TypeMappingError extends DXTError {}
export class PipelineExecutionError extends DXTError {}
/** Another run holds the lock of the stage or the target. */
export class ConcurrentRunError extends DXTError {}
/** Rows came into the target after the range to read was made from it. */
export class StaleRangeError extends ConcurrentRunError {}
/** It is unknown whether the target committed a load that must not run twice. */
export class UnknownOutcomeError extends DXTError {}
/** A selector cannot be parsed, or selects nothing. */
export class SelectorError extends DXTError {}

/** Errors keep their names, not their classes, on the way from a worker to its host. */
const isNamed = (error: unknown, { name }: { readonly name: string }) =>
  error instanceof DXTError && error.name === name;

export const isStaleRange = (error: unknown) => isNamed(error, StaleRangeError);
export const isUnknownOutcome = (error: unknown) => isNamed(error, UnknownOutcomeError);

/** A value that a type cannot hold: where it is, what it is, what was wanted. */
export class ValueError extends ValidationError {
  constructor(
    readonly detail: string,
    readonly field: string,
    /** Number of the record in its stream, from 1, where it is known. */
    readonly row: number | undefined,
    readonly value: unknown,
  ) {
    const at = row === undefined ? "" : `, row ${row}`;
    super(
      `Cannot represent value of field "${field}"${at}: ${detail}, value is ${quoteValue(value)}`,
    );
  }

  /** The same error, for the row of the whole stream. */
  atRow(row: number): ValueError {
    return new ValueError(this.detail, this.field, row, this.value);
  }

  /** The same error, for the row and line of a file of text. */
  atLine(row: number, line: number): ValueError {
    return new ValueError(`${this.detail}, line ${line}`, this.field, row, this.value);
  }
}

/** A value for an error message: quoted, on one line, at most 60 characters. */
export function quoteValue(value: unknown): string {
  if (value === null || value === undefined) return "NULL";
  if (value instanceof Uint8Array) {
    const hex = Array.from(value.subarray(0, 16), (b) => b.toString(16).padStart(2, "0")).join("");
    return `0x${hex}${value.length > 16 ? `… (${value.length} bytes)` : ""}`;
  }
  const text = typeof value === "string"
    ? value
    : typeof value === "object" && Object.getPrototypeOf(value) !== null &&
        !(Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype)
    ? String(value)
    : typeof value === "object"
    ? JSON.stringify(value)
    : String(value);
  const cut = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return JSON.stringify(cut);
}

/** The message of anything thrown; of a permission that is missing, with the flag that grants it. */
export function messageOf(error: unknown): string {
  const denied = missingPermission(error);
  if (denied !== undefined) return denied;
  return error instanceof Error ? error.message : String(error);
}

/** A URL without its user info and without query values, which may hold secrets. */
export function withoutSecrets(url: string): string {
  return url.replace(/^([a-z][\w+.-]*:\/\/)[^/?#]*@/i, "$1").replace(/\?.*$/s, "");
}

/** Keys whose values are never shown. */
export const SECRET_KEY =
  /pass(word|wd|phrase)?$|pwd$|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential|authorization/i;

/** `password=x`, `token = 'x'`, `"password": "x"`: a query's, libpq's, an option's, a program's. */
const ASSIGNMENT = /(?<![\w-])([\w-]+)(["']?\s*[=:]\s*)/g;
const QUOTED = /'(?:[^'\\]|\\.|'')*'?|"(?:[^"\\]|\\.)*"?/sy;
const UNQUOTED = /(?![=>]|\$\{)[^\s&;,"')\]}]+/y;
const HEADER = /(?:(?:bearer|basic|token)\s+)?[^\s"',]+/iy;
const BEARER = /(\bbearer\s+)[\w.~+/-]{16,}=*/gi;
const PRIVATE_KEY = /-----BEGIN [^-]*PRIVATE KEY-----.*?(?:-----END [^-]*-----|$)/gs;
const URL_REST = /\b([a-z][\w+.-]{0,30}:)?\/\/([^\s"'`<>|]+)/gi;
const ENCODED_USER_INFO = /(%3a%2f%2f)[^\s"'&]{0,500}?%40/gi;
/** A login without a scheme; `npm:` and the like name packages with their versions. */
const LOGIN =
  /(^|[\s"'=(,[{/])(?!(?:npm|jsr|node|mailto):|user:password@)([^\s"'/:@,=(){}[\]]{1,100}):([^\s"'@/]{1,200})@(?=[\w[])/gi;

/**
 * A text without what looks like a secret, whoever wrote it: user and password of URLs, also of
 * those that do not parse, values of keys such as `password`, headers and private keys.
 */
export function maskSecrets(text: string): string {
  const masked = text
    .replace(PRIVATE_KEY, "***")
    .replace(URL_REST, (_, scheme = "", rest) => `${scheme}//${withoutUserInfo(scheme, rest)}`)
    .replace(ENCODED_USER_INFO, "$1***%40")
    .replace(LOGIN, "$1$2:***@")
    .replace(BEARER, "$1***");
  return withoutAssigned(masked);
}

/** A password may hold what ends the authority of a URL: then the last `@` ends it. */
function withoutUserInfo(scheme: string, rest: string): string {
  const authority = /^[^/?#]*/.exec(rest)![0];
  if (authority === "") return rest;
  const isWeb = /^https?:$/i.test(scheme);
  const isHost = /^(?:\[[^\]]*\]|[^:@[\]]*)(?::\d{0,5})?$/.test(authority);
  if (isHost && (isWeb || !authority.includes(":"))) return rest;
  const end = isWeb && authority.includes("@") ? authority.lastIndexOf("@") : rest.lastIndexOf("@");
  // The words that messages ask for such a URL with.
  if (end < 0 || rest.slice(0, end) === "user:password") return rest;
  return `***${rest.slice(end)}`;
}

function withoutAssigned(text: string): string {
  let masked = "";
  let at = 0;
  for (const { 0: whole, 1: key, 2: sign, index } of text.matchAll(ASSIGNMENT)) {
    if (index < at || !SECRET_KEY.test(key!)) continue;
    const from = index + whole.length;
    const length = lengthOfValue(text, from, key!, sign!);
    if (length === 0) continue;
    masked += `${text.slice(at, from)}***`;
    at = from + length;
  }
  return masked + text.slice(at);
}

/** Characters of the value that is assigned there; 0 for what is none. */
function lengthOfValue(text: string, from: number, key: string, sign: string): number {
  const quoted = lengthAt(QUOTED, text, from);
  if (quoted > 0) return quoted;
  // Colons are of sentences, too.
  if (sign.includes(":")) {
    return /authorization$/i.test(key) ? lengthAt(HEADER, text, from) : 0;
  }
  const length = lengthAt(UNQUOTED, text, from);
  // In SQL a column named `token` is compared with another one, a parameter or a function.
  const isExpression = /\s/.test(sign) && /[.$?:(]/.test(text.slice(from, from + length));
  return isExpression ? 0 : length;
}

function lengthAt(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.exec(text)?.[0].length ?? 0;
}
