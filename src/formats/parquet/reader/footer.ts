/** Reads and validates the footer of a Parquet file, which the library's decoder trusts. */
import { type MadeName, nameColumns } from "../../../core/column_names.ts";
import {
  messageOf,
  quoteValue,
  SchemaError,
  TypeMappingError,
  ValidationError,
} from "../../../core/errors.ts";
import { Field } from "../../../models/field.ts";
import type { FileInput } from "../../format.ts";
import {
  ColumnChunk,
  ColumnMetaData,
  ConvertedType,
  FIELDS_KEY,
  FileMetaData,
  KeyValue,
  LogicalType,
  MAGIC,
  PhysicalType,
  Repetition,
  RowGroup,
  SchemaElement,
} from "../thrift/metadata.ts";
import { decodeStruct, I32, ThriftError, ThriftStruct } from "../thrift/thrift.ts";

/** Columns that dxt decodes itself, because the library would change their values. */
export type RawType = "int96" | "interval" | "uuid" | NarrowType;

/** Narrow integers stored in 32 bits; the library would drop the higher bits unchecked. */
export type NarrowType = "int8" | "int16" | "uint8" | "uint16";

/** A top-level field of the file, with everything nested in it. */
export interface ParquetColumn {
  readonly name: string;
  /** Its part of the schema as stored, from itself to its last leaf. */
  readonly declared: readonly ThriftStruct[];
  /** The same part as the library should see it. */
  readonly elements: readonly ThriftStruct[];
  /** Range of its leaves' column chunks in each row group; the end is exclusive. */
  readonly leaves: readonly [number, number];
  readonly raw?: RawType;
  readonly isJSON: boolean;
  /** Whether its pages can only be read with a key. */
  readonly isEncrypted: boolean;
}

/** A row group and its column chunks. */
export interface ParquetRowGroup {
  readonly rows: number;
  readonly chunks: readonly ThriftStruct[];
}

/** A validated footer. */
export interface Footer {
  readonly metadata: ThriftStruct;
  readonly columns: readonly ParquetColumn[];
  /** The names that dxt made up, because the file lacks or repeats them. */
  readonly made: readonly MadeName[];
  readonly rowGroups: readonly ParquetRowGroup[];
  /** The fields of a file that dxt wrote; empty for files of other writers. */
  readonly ownFields: readonly Field[];
  /** End of the row groups and start of the footer. */
  readonly start: number;
}

const latin1 = new TextDecoder("latin1");
const TAIL = 8;
/** Bytes to read from the end: few footers are larger, and those need a second read. */
const TAIL_READ = 64 * 1024;

/**
 * @throws {ValidationError} when the file is not Parquet, is truncated, or its footer is
 * inconsistent
 */
export async function readFooter(input: FileInput): Promise<Footer> {
  const malformed = (detail: string) =>
    new ValidationError(`Cannot read "${input.name}" as Parquet: ${detail}`);
  if (input.size < MAGIC.length + TAIL) {
    throw malformed(`it has ${input.size} bytes, too few for a Parquet file`);
  }
  const start = Math.max(0, input.size - TAIL_READ);
  let bytes = await input.read(start, input.size);
  const magic = latin1.decode(bytes.subarray(-MAGIC.length));
  if (magic === "PARE") {
    throw malformed("its footer is encrypted, expected a file without encryption");
  }
  if (magic !== "PAR1") throw malformed(await explainMissingEnd(input));
  const size = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - TAIL)
    .getUint32(0, true);
  if (size > input.size - TAIL - MAGIC.length) {
    throw malformed("its footer is larger than the file");
  }
  if (size + TAIL > bytes.length) bytes = await input.read(input.size - TAIL - size, input.size);
  try {
    const metadata = decodeStruct(bytes.subarray(bytes.length - TAIL - size, -TAIL));
    return validateFooter(metadata, input.size - TAIL - size);
  } catch (error) {
    if (error instanceof ThriftError) {
      throw malformed(`its footer is malformed, ${messageOf(error)}`);
    }
    throw error;
  }
}

/** Explains why a file without Parquet's end cannot be read. */
async function explainMissingEnd(input: FileInput): Promise<string> {
  const first = await input.read(0, MAGIC.length);
  const magic = latin1.decode(first);
  if (magic === "PAR1" || magic === "PARE") {
    return `it begins with ${magic} but does not end with it, expected a complete file`;
  }
  const other = OTHER_FORMATS.find(([magic]) => first.toHex().startsWith(magic));
  return `it neither begins nor ends with PAR1${
    other === undefined ? "" : `, it looks like ${other[1]}`
  }`;
}

/** First bytes, in hexadecimal, of formats that users mistake for Parquet. */
const OTHER_FORMATS = [
  ["4152524f", "Arrow, expected format arrow"],
  ["46454131", "Feather version 1"],
  ["4f5243", "ORC"],
  ["4f626a01", "Avro"],
  ["1f8b", "a file compressed with gzip"],
  ["28b52ffd", "a file compressed with zstd"],
] as const;

function validateFooter(metadata: ThriftStruct, start: number): Footer {
  const declared = readColumns(metadata.structs(FileMetaData.schema));
  const leaves = declared.at(-1)?.leaves[1] ?? 0;
  const encrypted = new Set<number>();
  const rowGroups = metadata.structs(FileMetaData.rowGroups).map((group) => {
    const chunks = group.structs(RowGroup.columns);
    if (chunks.length !== leaves) {
      throw new ThriftError(
        `a row group has ${chunks.length} columns, but the schema has ${leaves}`,
      );
    }
    const rows = requireCount(group, RowGroup.numRows);
    chunks.forEach((chunk, leaf) => {
      if (chunk.struct(ColumnChunk.crypto) !== undefined) encrypted.add(leaf);
      // A row group without rows has no pages, and writers declare offsets for it that do not
      // exist.
      else if (rows > 0) chunkRange(chunk, start);
    });
    return { rows, chunks };
  });
  const rows = requireCount(metadata, FileMetaData.numRows);
  const sum = rowGroups.reduce((total, group) => total + group.rows, 0);
  // The first writers in Rust left the total 0. The row groups' counts are checked against their
  // pages.
  if (rows !== sum && rows !== 0) {
    throw new ThriftError(`it declares ${rows} rows, but its row groups have ${sum}`);
  }
  const { names, made } = nameColumns(declared.map(({ name }) => name));
  const columns = declared.map((column, i) => {
    let [leaf] = column.leaves;
    const [, end] = column.leaves;
    while (leaf < end && !encrypted.has(leaf)) leaf++;
    return { ...column, name: names[i]!, isEncrypted: leaf < end };
  });
  return { metadata, columns, made, rowGroups, ownFields: readOwnFields(metadata), start };
}

/** Reads dxt's own JSON: the Arrow schema beside it is not safe to read from hostile files. */
function readOwnFields(metadata: ThriftStruct): Field[] {
  const text = metadata.structs(FileMetaData.keyValues)
    .find((pair) => pair.text(KeyValue.key) === FIELDS_KEY)?.text(KeyValue.value);
  try {
    return text === undefined ? [] : Field.array().parse(JSON.parse(text));
  } catch {
    // The file is read by its Parquet types instead.
    return [];
  }
}

function requireCount(struct: ThriftStruct, id: number): number {
  const value = struct.number(id);
  if (value === undefined || value < 0) throw new ThriftError("a count is missing or negative");
  return value;
}

/** Returns the byte range of a column chunk, from its first page; it must end before `limit`. */
export function chunkRange(chunk: ThriftStruct, limit: number): readonly [number, number] {
  const path = chunk.text(ColumnChunk.filePath);
  if (path !== undefined) {
    throw new ThriftError(
      `its columns are stored in other files, the first in ${quoteValue(path)}`,
    );
  }
  const metadata = chunk.struct(ColumnChunk.metadata);
  if (metadata === undefined) throw new ThriftError("a column has no metadata");
  const data = requireCount(metadata, ColumnMetaData.dataPageOffset);
  const dictionary = metadata.number(ColumnMetaData.dictionaryPageOffset) ?? 0;
  // Some writers store 0 for a missing dictionary.
  const start = dictionary > 0 ? Math.min(dictionary, data) : data;
  const end = start + requireCount(metadata, ColumnMetaData.compressedSize);
  if (start < MAGIC.length || end > limit) {
    throw new ThriftError("a column lies outside the file's row groups");
  }
  return [start, end];
}

/** A column by its schema alone. */
type DeclaredColumn = Omit<ParquetColumn, "isEncrypted">;

/** Splits the schema, a tree in depth-first order, into the children of its root. */
function readColumns(elements: readonly ThriftStruct[]): DeclaredColumn[] {
  const [root] = elements;
  if (root === undefined) throw new ThriftError("it has no schema");
  const columns: DeclaredColumn[] = [];
  let at = 1;
  let leaf = 0;
  for (let i = root.number(SchemaElement.numChildren) ?? 0; i > 0; i--) {
    const first = at;
    const firstLeaf = leaf;
    for (let open = 1; open > 0; open--) {
      const element = elements[at++];
      if (element === undefined) throw new ThriftError("its schema ends early");
      const children = element.number(SchemaElement.numChildren) ?? 0;
      if (children < 0) throw new ThriftError("its schema has a negative count");
      if (children === 0) leaf++;
      open += children;
    }
    columns.push(readColumn(elements.slice(first, at), [firstLeaf, leaf]));
  }
  if (at !== elements.length) throw new ThriftError("its schema has parts outside its root");
  return columns;
}

function readColumn(
  elements: readonly ThriftStruct[],
  leaves: readonly [number, number],
): DeclaredColumn {
  const name = elements[0]!.text(SchemaElement.name);
  if (name === undefined) throw new ThriftError("a column has no name");
  const raw = elements.length === 1 ? rawType(elements[0]!) : undefined;
  return {
    name,
    declared: elements,
    elements: elements.map(adaptElement),
    leaves,
    ...(raw === undefined || isRepeated(elements[0]!) ? {} : { raw }),
    isJSON: elements.length === 1 && !isRepeated(elements[0]!) &&
      (isConverted(elements[0]!, ConvertedType.JSON) || isLogical(elements[0]!, LogicalType.JSON)),
  };
}

const isRepeated = (element: ThriftStruct) =>
  element.number(SchemaElement.repetition) === Repetition.REPEATED;
const isConverted = (element: ThriftStruct, type: number) =>
  element.number(SchemaElement.convertedType) === type;
const isLogical = (element: ThriftStruct, type: number) =>
  element.struct(SchemaElement.logicalType)?.struct(type) !== undefined;

/**
 * The library wraps INT96 outside the years 1677 to 2262, drops the months of an INTERVAL, and returns a
 * UUID as bytes. UUIDs inside lists and groups: `nested_uuids.ts`.
 */
function rawType(element: ThriftStruct): RawType | undefined {
  if (element.number(SchemaElement.type) === PhysicalType.INT96) return "int96";
  if (isUUID(element)) return "uuid";
  return isConverted(element, ConvertedType.INTERVAL) ? "interval" : narrowType(element);
}

export const isUUID = (element: ThriftStruct) =>
  element.number(SchemaElement.type) === PhysicalType.FIXED &&
  element.number(SchemaElement.typeLength) === 16 && isLogical(element, LogicalType.UUID);

function narrowType(element: ThriftStruct): NarrowType | undefined {
  if (element.number(SchemaElement.type) !== PhysicalType.INT32) return undefined;
  const integer = element.struct(SchemaElement.logicalType)?.struct(LogicalType.INTEGER);
  if (integer !== undefined) {
    const name = `${integer.flag(2) === false ? "u" : ""}int${integer.number(1)}`;
    return NARROW.find(([type]) => type === name)?.[0];
  }
  const converted = element.number(SchemaElement.convertedType);
  return NARROW.find(([, type]) => type === converted)?.[0];
}

const NARROW = [
  ["uint8", ConvertedType.UINT_8],
  ["uint16", ConvertedType.UINT_8 + 1],
  ["int8", ConvertedType.INT_8],
  ["int16", ConvertedType.INT_8 + 1],
] as const;

/** @throws {ValidationError} for a column that can only be read with a key */
export function refuseEncrypted({ name, isEncrypted }: ParquetColumn, file: string): void {
  if (!isEncrypted) return;
  throw new ValidationError(
    `Cannot read column "${name}" of "${file}": it is encrypted, leave it out with \`only_declared_fields: true\``,
  );
}

/** @throws {TypeMappingError} for a raw type nested in a list, map or group */
export function refuseNestedRaw({ name, elements, raw }: ParquetColumn): void {
  if (raw !== undefined) return;
  const nested = elements.map(rawType).find((type) => type === "int96" || type === "interval");
  if (nested === undefined) return;
  throw new TypeMappingError(
    `Cannot read column "${name}": it holds ${nested.toUpperCase()} values inside a list or group, which cannot be read without loss`,
  );
}

/** Adapts an element for the library, so that it knows the type and changes no value. */
function adaptElement(
  element: ThriftStruct,
  _: number,
  all: readonly ThriftStruct[],
): ThriftStruct {
  const { type, typeLength, repetition, name, numChildren, convertedType, scale, precision } =
    SchemaElement;
  const base = element.pick(type, typeLength, repetition, name, numChildren);
  const nested = all.length > 1 || isRepeated(element);
  if (!nested && element.number(type) === PhysicalType.INT96) {
    return base.set(type, I32, PhysicalType.FIXED).set(typeLength, I32, 12);
  }
  if (!nested && isConverted(element, ConvertedType.INTERVAL)) return base;
  // Nested in a list or group, they become JSON numbers, which have no narrower range.
  if (narrowType(element) !== undefined) return base;
  if (isConverted(element, ConvertedType.ENUM) || isLogical(element, LogicalType.ENUM)) {
    return base.set(convertedType, I32, ConvertedType.UTF8);
  }
  const logical = element.struct(SchemaElement.logicalType);
  const [kind] = logical?.fields.keys() ?? [];
  const whole = element.pick(
    type,
    typeLength,
    repetition,
    name,
    numChildren,
    convertedType,
    scale,
    precision,
  );
  if (logical === undefined || kind === undefined || kind > LogicalType.FLOAT16) return whole;
  return whole.setStruct(SchemaElement.logicalType, logical);
}

/**
 * Returns the indexes of the named columns, in the file's order.
 *
 * @throws {SchemaError} when a column is missing
 */
export function findColumns(footer: Footer, names: readonly string[], file: string): number[] {
  const known = new Map(footer.columns.map(({ name }, i) => [name, i]));
  const indexes = names.map((name) => {
    const index = known.get(name);
    if (index !== undefined) return index;
    const list = [...known.keys()].map((known) => `"${known}"`).join(", ");
    throw new SchemaError(`Cannot find column "${name}" in "${file}": it has ${list}`);
  });
  return [...new Set(indexes)].sort((a, b) => a - b);
}
