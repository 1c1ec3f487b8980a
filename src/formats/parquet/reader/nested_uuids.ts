/** Decodes UUIDs inside lists and groups as text; the library returns their bytes. */
import { type BytesColumn, createColumn, type Data, isNull } from "../../../arrow/mod.ts";
import { UUID_BYTES, UUID_CHARACTERS, writeUUID } from "../../../core/values/uuid.ts";
import { SchemaElement } from "../thrift/metadata.ts";
import { isUUID, type ParquetColumn } from "./footer.ts";

/** For each leaf of a column whether it is a nested UUID; undefined for a column without any. */
export function findNestedUUIDs({ declared, raw }: ParquetColumn): readonly boolean[] | undefined {
  if (raw !== undefined) return undefined;
  const leaves = declared
    .filter((element) => (element.number(SchemaElement.numChildren) ?? 0) === 0)
    .map(isUUID);
  return leaves.includes(true) ? leaves : undefined;
}

/** Replaces those leaves of a column by columns of text. Its type still names the bytes. */
export function decodeNestedUUIDs(data: Data, isLeafUUID: readonly boolean[]): Data {
  let leaf = 0;
  const decode = (part: Data): Data => {
    if (part.children.length === 0) return isLeafUUID[leaf++] === true ? toTexts(part) : part;
    const { type, offset, length, nullCount } = part;
    return part.clone(type, offset, length, nullCount, part.buffers, part.children.map(decode));
  };
  return decode(data);
}

function toTexts(data: Data): Data {
  const column = createColumn({ name: "", dtype: "string", nullable: true }) as BytesColumn;
  const text = new Uint8Array(UUID_CHARACTERS);
  for (let row = 0; row < data.length; row++) {
    if (isNull(data, row)) {
      column.pushNull();
    } else {
      writeUUID(data.values, row * UUID_BYTES, text, 0);
      column.pushBytes(text);
    }
  }
  return column.take();
}
