/** Fields as an Arrow schema and back; the value table's Arrow column. */
import {
  Binary,
  Bool,
  type DataType,
  DateDay,
  Decimal,
  Field as ArrowField,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  Int8,
  Schema,
  TimeMicrosecond,
  TimestampMicrosecond,
  Type,
  Uint16,
  Uint32,
  Uint64,
  Uint8,
  Utf8,
} from "apache-arrow";
import { Field } from "../models/field.ts";
import { SchemaError } from "../core/errors.ts";

/** Key of the field metadata that holds a field as JSON. */
const METADATA_KEY = "dxt.field";

/** Bits of the Arrow decimal that holds a precision. */
export function decimalBits(precision: number): 128 | 256 {
  return precision <= 38 ? 128 : 256;
}

/** Arrow type of a field's column. */
export function arrowType(field: Field): DataType {
  switch (field.dtype) {
    case "int8":
      return new Int8();
    case "int16":
      return new Int16();
    case "int32":
      return new Int32();
    case "int64":
      return new Int64();
    case "uint8":
      return new Uint8();
    case "uint16":
      return new Uint16();
    case "uint32":
      return new Uint32();
    case "uint64":
      return new Uint64();
    case "float32":
      return new Float32();
    case "float64":
      return new Float64();
    case "decimal": {
      const { precision = 38, scale = 0 } = field;
      return new Decimal(scale, precision, decimalBits(precision));
    }
    case "bool":
      return new Bool();
    case "date":
      return new DateDay();
    case "time":
      return new TimeMicrosecond();
    case "timestamp":
      return new TimestampMicrosecond();
    case "timestamp_tz":
      return new TimestampMicrosecond("UTC");
    case "binary":
      return new Binary();
    case "string":
    case "json":
    case "array":
    case "object":
      return new Utf8();
  }
}

/** Schema whose metadata keeps every field whole, so that {@linkcode fieldsOf} gives it back. */
export function arrowSchema(fields: readonly Field[]): Schema {
  return new Schema(
    fields.map((field) =>
      new ArrowField(
        field.name,
        arrowType(field),
        field.nullable,
        new Map([[METADATA_KEY, JSON.stringify(field)]]),
      )
    ),
  );
}

/**
 * Fields of a schema that {@linkcode arrowSchema} made.
 *
 * @throws {SchemaError} for a schema of others; `canonicalFields` reads those
 */
export function fieldsOf(schema: Schema): Field[] {
  return schema.fields.map((column) => {
    const kept = embeddedField(column);
    if (kept === undefined) {
      throw new SchemaError(`Cannot read field "${column.name}": no dxt field in its metadata`);
    }
    return kept;
  });
}

/**
 * The field that a column's metadata keeps; undefined in a schema of others, and where the column
 * is no longer what the field says.
 */
export function embeddedField(column: ArrowField): Field | undefined {
  const text = column.metadata.get(METADATA_KEY);
  if (text === undefined) return undefined;
  const parsed = Field.safeParse(parsedJSON(text));
  if (!parsed.success || !sameLayout(column.type, arrowType(parsed.data))) return undefined;
  return { ...parsed.data, name: column.name };
}

function parsedJSON(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What a column of text or bytes with 32-bit offsets holds; undefined for any other. */
export function textType(type: DataType): "string" | "binary" | undefined {
  if (type.typeId === Type.Utf8) return "string";
  return type.typeId === Type.Binary ? "binary" : undefined;
}

/** Whether the buffers of one type can be taken for those of the other. */
export function sameLayout(from: DataType, to: DataType): boolean {
  return from.typeId === to.typeId && String(from) === String(to) &&
    (from as { bitWidth?: number }).bitWidth === (to as { bitWidth?: number }).bitWidth;
}
