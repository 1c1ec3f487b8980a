/** Error classes, and functions for their messages: quoting values and masking secrets. */
import { missingPermission } from "./permission_errors.ts";

export interface ErrorDetails extends ErrorOptions {
  readonly transient?: boolean | undefined;
  readonly retryAfterMs?: number | undefined;
}

/**
 * Base of every error that dxt throws on purpose. A message says what could not be done, with the
 * value in double quotes, a colon, the detail as current state then expected state, and no final
 * period.
 */
export class DXTError extends Error {
  /** Whether the same request may succeed later, as after a server start, a lost connection or a deadlock. */
  readonly transient: boolean;
  /** Milliseconds that the system asks to wait before the request is sent again. */
  readonly retryAfterMs: number | undefined;

  constructor(
    message?: string,
    { transient = false, retryAfterMs, ...options }: ErrorDetails = {},
  ) {
    super(message, options);
    this.transient = transient;
    this.retryAfterMs = retryAfterMs;
  }

  override get name(): string {
    return this.constructor.name;
  }
}

/** A pipeline, project, option or variable is invalid; the user edits a file or a command. */
export class ConfigurationError extends DXTError {}
/** A permission is missing. The message contains only hosts, paths and variable names, no secret. */
export class PermissionError extends ConfigurationError {}
/** A system could not be reached, or rejected the login. */
export class ConnectionError extends DXTError {}
/** A request to a connected system failed. */
export class ConnectorError extends DXTError {}
/** An extraction failed. */
export class ExtractorError extends DXTError {}
/** A partition cannot be read, for example because its snapshot is gone; the whole source may be. */
export class PartitionError extends ExtractorError {}
/** A load failed. */
export class LoaderError extends DXTError {}
/** The counts of source, stage and target differ. */
export class VerificationError extends LoaderError {}
/** The data that was read is outside the bounds of the stream's `expect`; the target is unchanged. */
export class ExpectationError extends DXTError {}
/** A saved plan is not what a run would do now; nothing has been changed. */
export class StalePlanError extends DXTError {}
/** More rows were rejected than the pipeline allows; the target is unchanged. */
export class RejectedRowsError extends DXTError {}
/** A stream took longer than the pipeline allows. */
export class StreamTimeoutError extends DXTError {}
/** The stage could not be written, or does not match its manifest. */
export class BufferError extends DXTError {}
/** Records do not match the declared fields. */
export class ValidationError extends DXTError {}
/** The fields of source, declaration and target do not match. */
export class SchemaError extends DXTError {}
/** A target column cannot store every value of a field, and the pipeline does not accept that. */
export class LossyConversionError extends SchemaError {}
/** A type has no lossless counterpart. */
export class TypeMappingError extends DXTError {}
/** A run failed for a reason that has no class of its own. */
export class PipelineExecutionError extends DXTError {}
/** Another run holds the lock of the stage or the target. */
export class ConcurrentRunError extends DXTError {}
/** Another run loaded rows into the target after this run computed its range from the watermark. */
export class StaleRangeError extends ConcurrentRunError {}
/** It is unknown whether the target committed a load that must not run twice. */
export class UnknownOutcomeError extends DXTError {}
/** A selector cannot be parsed, or matches nothing. */
export class SelectorError extends DXTError {}

/** Compares names: an error that a worker sends to its host loses its class but not its name. */
const isNamed = (error: unknown, { name }: { readonly name: string }) =>
  error instanceof DXTError && error.name === name;

export const isStaleRange = (error: unknown) => isNamed(error, StaleRangeError);
export const isUnknownOutcome = (error: unknown) => isNamed(error, UnknownOutcomeError);

export const isConcurrentRun = (error: unknown) => isNamed(error, ConcurrentRunError);

/** Whether an error, or a cause of it, is transient. */
export function isTransient(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof DXTError && at.transient) return true;
  }
  return false;
}

/** The wait in milliseconds that the system asks for, in an error or a cause of it. */
export function findRetryAfter(error: unknown): number | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof DXTError && at.retryAfterMs !== undefined) return at.retryAfterMs;
  }
  return undefined;
}

/** A value that a type cannot hold, with its field, its row and the expected type. */
export class ValueError extends ValidationError {
  constructor(
    readonly detail: string,
    readonly field: string,
    /** Number of the record in its stream, from 1, if known. */
    readonly row: number | undefined,
    readonly value: unknown,
  ) {
    const at = row === undefined ? "" : `, row ${row}`;
    super(
      `Cannot represent value of field "${field}"${at}: ${detail}, value is ${quoteValue(value)}`,
    );
  }

  /** A copy of the error with a row number of the whole stream. */
  atRow(row: number): ValueError {
    return new ValueError(this.detail, this.field, row, this.value);
  }

  /** A copy of the error with row and line of a text file. */
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
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

/** The message of anything thrown. For a missing permission it names the flag that grants it. */
export function messageOf(error: unknown): string {
  const missing = missingPermission(error);
  if (missing !== undefined) return missing;
  return error instanceof Error ? error.message : String(error);
}

/** A URL without user info and query, which may contain secrets. */
export function withoutSecrets(url: string): string {
  return url.replace(/^([a-z][\w+.-]*:\/\/)[^/?#]*@/i, "$1").replace(/\?.*$/s, "");
}

/** Matches keys whose values are always masked. */
export const SECRET_KEY =
  /pass(word|wd|phrase)?$|pwd$|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential|authorization|signature|^sig$/i;

/** `password=x`, `token = 'x'`, `"password": "x"`, as in URL queries, libpq strings and JSON. */
const ASSIGNMENT = /(?<![\w-])([\w-]+)(["']?\s*[=:]\s*)/g;
const QUOTED = /'(?:[^'\\]|\\.|'')*'?|"(?:[^"\\]|\\.)*"?/sy;
const UNQUOTED = /(?![=>]|\$\{)[^\s&;,"')\]}]+/y;
const HEADER = /(?:(?:bearer|basic|token)\s+)?[^\s"',]+/iy;
const BEARER = /(\bbearer\s+)[\w.~+/-]{16,}=*/gi;
const PRIVATE_KEY = /-----BEGIN [^-]*PRIVATE KEY-----.*?(?:-----END [^-]*-----|$)/gs;
const URL_REST = /\b([a-z][\w+.-]{0,30}:)?\/\/([^\s"'`<>|]+)/gi;
const ENCODED_USER_INFO = /(%3a%2f%2f)[^\s"'&]{0,500}?%40/gi;
/** A login without a URL scheme. `npm:` and similar prefixes are packages with versions. */
const LOGIN =
  /(^|[\s"'=(,[{/])(?!(?:npm|jsr|node|mailto):|user:password@)([^\s"'/:@,=(){}[\]]{1,100}):([^\s"'@/]{1,200})@(?=[\w[])/gi;

/**
 * Masks text that looks like a secret: user and password in URLs, even malformed ones, values of
 * keys such as `password`, authorization headers, and private keys.
 */
export function maskSecrets(text: string): string {
  const masked = text
    .replace(PRIVATE_KEY, "***")
    .replace(URL_REST, (_, scheme = "", rest) => `${scheme}//${withoutUserInfo(scheme, rest)}`)
    .replace(ENCODED_USER_INFO, "$1***%40")
    .replace(LOGIN, "$1$2:***@")
    .replace(BEARER, "$1***");
  return maskAssignments(masked);
}

/** A password may contain characters that end the authority of a URL; then the last `@` ends it. */
function withoutUserInfo(scheme: string, rest: string): string {
  const authority = /^[^/?#]*/.exec(rest)![0];
  if (authority === "") return rest;
  const isWeb = /^https?:$/i.test(scheme);
  const isHost = /^(?:\[[^\]]*\]|[^:@[\]]*)(?::\d{0,5})?$/.test(authority);
  if (isHost && (isWeb || !authority.includes(":"))) return rest;
  const end = isWeb && authority.includes("@") ? authority.lastIndexOf("@") : rest.lastIndexOf("@");
  // Messages use this placeholder.
  if (end < 0 || rest.slice(0, end) === "user:password") return rest;
  return `***${rest.slice(end)}`;
}

function maskAssignments(text: string): string {
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

/** Length of the assigned value at an offset; 0 when there is none. */
function lengthOfValue(text: string, from: number, key: string, sign: string): number {
  const quoted = lengthAt(QUOTED, text, from);
  if (quoted > 0) return quoted;
  // In prose, a colon assigns nothing.
  if (sign.includes(":")) {
    return /authorization$/i.test(key) ? lengthAt(HEADER, text, from) : 0;
  }
  const length = lengthAt(UNQUOTED, text, from);
  // In SQL, a column such as `token` may be compared with a column, a parameter or a function.
  const isExpression = /\s/.test(sign) && /[.$?:(]/.test(text.slice(from, from + length));
  return isExpression ? 0 : length;
}

function lengthAt(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.exec(text)?.[0].length ?? 0;
}
