/**
 * Converts fields to the columns of a Parquet schema.
 * Logical types: https://github.com/apache/parquet-format/blob/master/LogicalTypes.md
 */
import { classifyType } from "../../core/values/kinds.ts";
import { UUID_BYTES } from "../../core/values/uuid.ts";
import type { Field } from "../../models/field.ts";
import {
  ConvertedType,
  LogicalType,
  PhysicalType,
  Repetition,
  SchemaElement,
} from "./thrift/metadata.ts";
import { BYTE, I32, ThriftStruct } from "./thrift/thrift.ts";

/** Physical layout of a field's values in a file. */
export interface Layout {
  readonly type: number;
  /** Bytes of one value of type FIXED. */
  readonly width?: number;
}

export function physicalLayout({ dtype, precision = 38, uuid }: Field): Layout {
  switch (classifyType(dtype)) {
    case "bool":
      return { type: PhysicalType.BOOLEAN };
    case "integer":
    case "date":
      return { type: PhysicalType.INT32 };
    case "long":
    case "time":
    case "timestamp":
      return { type: PhysicalType.INT64 };
    case "float":
      return { type: dtype === "float32" ? PhysicalType.FLOAT : PhysicalType.DOUBLE };
    case "decimal":
      if (precision <= 9) return { type: PhysicalType.INT32 };
      if (precision <= 18) return { type: PhysicalType.INT64 };
      return { type: PhysicalType.FIXED, width: decimalWidth(precision) };
    case "string":
      return uuid === true
        ? { type: PhysicalType.FIXED, width: UUID_BYTES }
        : { type: PhysicalType.BYTE_ARRAY };
    default:
      return { type: PhysicalType.BYTE_ARRAY };
  }
}

/** Bytes needed for every decimal of a precision, with its sign. */
function decimalWidth(precision: number): number {
  return Math.ceil((precision * Math.log2(10) + 1) / 8);
}

/** Returns the root of the schema, followed by its columns. */
export function createSchemaElements(fields: readonly Field[]): ThriftStruct[] {
  return [createGroup("root", fields.length), ...fields.flatMap(createElements)];
}

function createGroup(name: string, children: number): ThriftStruct {
  return new ThriftStruct()
    .setText(SchemaElement.name, name)
    .set(SchemaElement.numChildren, I32, children);
}

/** Names of the two levels inside a list. */
const LIST_LEVELS = ["list", "element"] as const;

/** Names that lead from the root to the column of a field. */
export function columnPath(field: Field): string[] {
  return [field.name, ...(listElement(field) === undefined ? [] : LIST_LEVELS)];
}

/** Returns a field's part of the schema: an element, or the three levels of a list. */
export function createElements(field: Field): ThriftStruct[] {
  const element = listElement(field);
  if (element === undefined) return [createElement(field)];
  const [repeated, name] = LIST_LEVELS;
  const list = createGroup(field.name, 1)
    .set(SchemaElement.repetition, I32, chooseRepetition(field))
    .set(SchemaElement.convertedType, I32, ConvertedType.LIST)
    .setStruct(
      SchemaElement.logicalType,
      new ThriftStruct().setStruct(LogicalType.LIST, new ThriftStruct()),
    );
  const entries = createGroup(repeated, 1)
    .set(SchemaElement.repetition, I32, Repetition.REPEATED);
  return [list, entries, createElement({ ...element, name })];
}

/** The elements of a list, under the field's name; undefined for a field that is no list in a file. */
export function listElement({ name, dtype, element }: Field): Field | undefined {
  return dtype === "array" && element !== undefined
    ? { name, ...element, nullable: true }
    : undefined;
}

function chooseRepetition({ nullable }: Field): number {
  return nullable ? Repetition.OPTIONAL : Repetition.REQUIRED;
}

function createElement(field: Field): ThriftStruct {
  const { type, width } = physicalLayout(field);
  const element = new ThriftStruct()
    .set(SchemaElement.type, I32, type)
    .set(SchemaElement.repetition, I32, chooseRepetition(field))
    .setText(SchemaElement.name, field.name);
  if (width !== undefined) element.set(SchemaElement.typeLength, I32, width);
  return annotate(element, field);
}

function annotate(element: ThriftStruct, { dtype, precision = 38, scale = 0, uuid }: Field) {
  const { UTF8, DECIMAL, DATE, TIMESTAMP_MICROS, JSON } = ConvertedType;
  const set = (logical: number, converted?: number, content = new ThriftStruct()) => {
    if (converted !== undefined) element.set(SchemaElement.convertedType, I32, converted);
    const union = new ThriftStruct().setStruct(logical, content);
    return element.setStruct(SchemaElement.logicalType, union);
  };
  switch (dtype) {
    case "int8":
      return set(LogicalType.INTEGER, ConvertedType.INT_8, integer(8, true));
    case "int16":
      return set(LogicalType.INTEGER, ConvertedType.INT_8 + 1, integer(16, true));
    case "uint8":
      return set(LogicalType.INTEGER, ConvertedType.UINT_8, integer(8, false));
    case "uint16":
      return set(LogicalType.INTEGER, ConvertedType.UINT_8 + 1, integer(16, false));
    case "uint32":
      return set(LogicalType.INTEGER, ConvertedType.UINT_8 + 2, integer(32, false));
    case "uint64":
      return set(LogicalType.INTEGER, ConvertedType.UINT_8 + 3, integer(64, false));
    case "decimal":
      element.set(SchemaElement.scale, I32, scale).set(SchemaElement.precision, I32, precision);
      return set(
        LogicalType.DECIMAL,
        DECIMAL,
        new ThriftStruct().set(1, I32, scale).set(2, I32, precision),
      );
    case "date":
      return set(LogicalType.DATE, DATE);
    case "time":
      // The older annotations for times imply UTC.
      return set(LogicalType.TIME, undefined, micros(false));
    case "timestamp":
      return set(LogicalType.TIMESTAMP, undefined, micros(false));
    case "timestamp_tz":
      return set(LogicalType.TIMESTAMP, TIMESTAMP_MICROS, micros(true));
    case "string":
      return uuid === true ? set(LogicalType.UUID) : set(LogicalType.STRING, UTF8);
    case "json":
    case "array":
    case "object":
      return set(LogicalType.JSON, JSON);
    default:
      return element;
  }
}

const integer = (bits: number, isSigned: boolean) =>
  new ThriftStruct().set(1, BYTE, bits).setFlag(2, isSigned);

/** The Thrift structs TimeType and TimestampType, in microseconds. */
const micros = (isUTC: boolean) =>
  new ThriftStruct().setFlag(1, isUTC).setStruct(
    2,
    new ThriftStruct().setStruct(2, new ThriftStruct()),
  );
