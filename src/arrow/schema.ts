/** Converts fields to an Arrow schema and back: the Arrow side of the value table. */
import {
  Binary,
  Bool,
  type DataType,
  DateDay,
  Decimal,
  Field as ArrowField,
  FixedSizeBinary,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  Int8,
  List,
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

/** Metadata key under which a column carries its field as JSON. */
const METADATA_KEY = "dxt.field";

/** Bits of the Arrow decimal for a precision. */
export function decimalBits(precision: number): 128 | 256 {
  return precision <= 38 ? 128 : 256;
}

/** Returns the Arrow type of a field's column. */
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

/** Builds a schema that embeds each field in its column's metadata, for {@linkcode readFields}. */
export function arrowSchema(fields: readonly Field[]): Schema {
  return new Schema(
    fields.map((field) => {
      const { inferred: _inferred, ...known } = field;
      return new ArrowField(
        field.name,
        arrowType(field),
        field.nullable,
        new Map([[METADATA_KEY, JSON.stringify(known)]]),
      );
    }),
  );
}

/** Like {@linkcode arrowSchema}, for a file that stores an array of known elements as a list. */
export function storedSchema(fields: readonly Field[]): Schema {
  return new Schema(
    arrowSchema(fields).fields.map((column, i) => {
      const { dtype, element } = fields[i]!;
      if (dtype !== "array" || element === undefined) return column;
      const items = element.uuid === true
        ? new FixedSizeBinary(16)
        : arrowType({ name: column.name, ...element, nullable: true });
      return column.clone({ type: new List(new ArrowField("element", items, true)) });
    }),
  );
}

/**
 * Returns the fields of a schema that {@linkcode arrowSchema} built.
 *
 * @throws {SchemaError} for a schema of another writer; `canonicalFields` reads those
 */
export function readFields(schema: Schema): Field[] {
  return schema.fields.map((column) => {
    const embedded = embeddedField(column);
    if (embedded === undefined) {
      throw new SchemaError(`Cannot read field "${column.name}": no dxt field in its metadata`);
    }
    return embedded;
  });
}

/** Returns the field in a column's metadata; undefined if missing, or not of the column's type. */
export function embeddedField(column: ArrowField): Field | undefined {
  const text = column.metadata.get(METADATA_KEY);
  if (text === undefined) return undefined;
  const parsed = Field.safeParse(parseJSON(text));
  if (!parsed.success || !hasSameLayout(column.type, arrowType(parsed.data))) return undefined;
  return { ...parsed.data, name: column.name };
}

function parseJSON(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Content of a text or bytes column with 32-bit offsets; undefined for any other column. */
export function textType(type: DataType): "string" | "binary" | undefined {
  if (type.typeId === Type.Utf8) return "string";
  return type.typeId === Type.Binary ? "binary" : undefined;
}

/** Whether buffers of one type can serve as buffers of the other. */
export function hasSameLayout(from: DataType, to: DataType): boolean {
  return from.typeId === to.typeId && String(from) === String(to) &&
    (from as { bitWidth?: number }).bitWidth === (to as { bitWidth?: number }).bitWidth;
}
