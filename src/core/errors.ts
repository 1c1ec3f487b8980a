import { denial } from "./grant.ts";

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
/** A selector cannot be parsed, or selects nothing. */
export class SelectorError extends DXTError {}

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
    super(`Cannot represent value of field "${field}"${at}: ${detail}, value is ${show(value)}`);
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
export function show(value: unknown): string {
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
  const denied = denial(error);
  if (denied !== undefined) return denied;
  return error instanceof Error ? error.message : String(error);
}

/** A URL without its user info and without query values, which may hold secrets. */
export function withoutSecrets(url: string): string {
  return url.replace(/^([a-z][\w+.-]*:\/\/)[^/?#]*@/i, "$1").replace(/\?.*$/s, "");
}
