/**
 * Text without loss. The driver gives text only up to the first U+0000 and puts U+FFFD for what is
 * not Unicode, without a word; as a blob it comes whole. So text is either read as a blob, or as
 * text beside its size in bytes and read again as a blob where the size tells that it was changed.
 */
import { Buffer } from "node:buffer";
import type { DatabaseSync } from "node:sqlite";
import { ValueError } from "../../../core/errors.ts";
import type { DXTType } from "../../../models/dtype.ts";
import type { Field } from "../../../models/field.ts";
import type { Raw } from "./reading.ts";

const WITHOUT_TEXT: ReadonlySet<DXTType> = new Set([
  "int8",
  "int16",
  "int32",
  "int64",
  "uint8",
  "uint16",
  "uint32",
  "float32",
  "float64",
  "bool",
  "binary",
]);

/** Whether text is a value of the field; where it is not, it is refused, whole or not. */
export function mayBeText(field: Field): boolean {
  return !WITHOUT_TEXT.has(field.dtype);
}

/** SQL of the bytes that the text among some columns takes. */
export function sizeSQL(columns: readonly string[]): string {
  const sizes = columns.map((sql) => `iif(typeof(${sql}) = 'text', octet_length(${sql}), 0)`);
  return sizes.length === 0 ? "0" : sizes.join(" + ");
}

/** SQL of a value whose text comes as a blob, and its blob as the text `x` and digits. */
export function wholeSQL(sql: string): string {
  return `CASE typeof(${sql}) WHEN 'text' THEN CAST(${sql} AS BLOB) ` +
    `WHEN 'blob' THEN 'x' || hex(substr(${sql}, 1, 17)) ELSE ${sql} END`;
}

/** Encoding of a database's text: utf-8, utf-16le or utf-16be. */
export function databaseEncoding(database: DatabaseSync): string {
  return String(database.prepare("PRAGMA encoding").get()!["encoding"]).toLowerCase();
}

export class TextEncoding {
  readonly #wide: boolean;
  readonly #decoder: TextDecoder;

  constructor(database: DatabaseSync) {
    const name = databaseEncoding(database);
    this.#wide = name !== "utf-8";
    this.#decoder = new TextDecoder(name, { fatal: true, ignoreBOM: true });
  }

  /** Whether the texts at some places of a row are whole, by their bytes in the database. */
  isWhole(row: readonly Raw[], places: readonly number[], size: number): boolean {
    let units = 0;
    for (const place of places) {
      const value = row[place];
      if (typeof value !== "string") continue;
      if (value.includes("\ufffd")) return false;
      units += value.length;
    }
    if (this.#wide) return units * 2 === size;
    // Every character beyond ASCII takes more bytes than it has units.
    return units === size || utf8Size(row, places) === size;
  }

  /** A value of {@linkcode wholeSQL} as any other one. */
  decode(value: Raw, field: Field): Raw {
    if (typeof value === "string") return Uint8Array.fromHex(value.slice(1));
    if (!(value instanceof Uint8Array)) return value;
    if (!this.#wide) {
      // Three times as fast as a decoder that checks; where it finds a fault, it puts U+FFFD.
      const text = Buffer.from(value.buffer, value.byteOffset, value.length).toString();
      if (!text.includes("\ufffd")) return text;
    }
    try {
      return this.#decoder.decode(value);
    } catch {
      throw new ValueError(
        "expected text in the database's encoding; a CAST to BLOB with dtype binary reads its bytes",
        field.name,
        undefined,
        value,
      );
    }
  }
}

function utf8Size(row: readonly Raw[], places: readonly number[]): number {
  let size = 0;
  for (const place of places) {
    const value = row[place];
    if (typeof value === "string") size += Buffer.byteLength(value);
  }
  return size;
}
