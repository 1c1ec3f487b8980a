/** Columns whose twelve bytes are decoded here, because the decoder would change values. */
import {
  batchOfData,
  type BigColumn,
  type BytesColumn,
  type Column,
  columnFor,
  type Data,
  isNull,
  type Schema,
} from "../../arrow/mod.ts";
import type { Batch } from "../../core/batch.ts";
import { ValueError } from "../../core/errors.ts";
import type { Field } from "../../models/field.ts";
import type { RawType } from "./footer.ts";

const WIDTH = 12;
/** https://en.wikipedia.org/wiki/Julian_day of 1970-01-01 */
const EPOCH_DAY = 2_440_588n;
const DAY_MICROS = 86_400_000_000n;

/** The field that a raw column becomes: a timestamp, or an ISO 8601 duration as text. */
export function rawField(name: string, nullable: boolean, raw: RawType): Field {
  return { name, dtype: raw === "int96" ? "timestamp" : "string", nullable };
}

/**
 * The batch with its raw columns decoded.
 *
 * @throws {ValueError} for nanoseconds that are no whole microseconds, with the row in the file
 */
export function decodeRaw(
  batch: Batch,
  schema: Schema,
  fields: ReadonlyMap<number, Field>,
  rowsBefore: number,
): Batch {
  if (fields.size === 0) return batch;
  const columns = batch.data.children.map((data, i) => {
    const field = fields.get(i);
    return field === undefined ? data : decodeColumn(data, field, rowsBefore);
  });
  return batchOfData(schema, columns, batch.numRows);
}

function decodeColumn(data: Data, field: Field, rowsBefore: number): Data {
  const column = columnFor(field);
  const bytes = data.values as Uint8Array;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const push = field.dtype === "timestamp"
    ? timestampPusher(view, column)
    : durationPusher(view, column);
  for (let row = 0; row < data.length; row++) {
    if (isNull(data, row)) column.pushNull();
    else if (!push(row * WIDTH)) {
      throw new ValueError(
        "expected whole microseconds",
        field.name,
        rowsBefore + row + 1,
        `${view.getBigUint64(row * WIDTH, true)} ns of the day`,
      );
    }
  }
  return column.take();
}

type PushRaw = (at: number) => boolean;

/** INT96: nanoseconds of the day, then the Julian day. */
function timestampPusher(view: DataView, column: Column): PushRaw {
  const micros = column as BigColumn;
  return (at) => {
    const nanos = view.getBigUint64(at, true);
    if (nanos % 1000n !== 0n) return false;
    const day = BigInt(view.getInt32(at + 8, true)) - EPOCH_DAY;
    micros.push(day * DAY_MICROS + nanos / 1000n);
    return true;
  };
}

/** INTERVAL: months, days and milliseconds, none of which can be told in the others. */
function durationPusher(view: DataView, column: Column): PushRaw {
  const texts = column as BytesColumn;
  return (at) => {
    const [months, days, millis] = [0, 4, 8].map((i) => view.getUint32(at + i, true)) as [
      number,
      number,
      number,
    ];
    const time = millis === 0 ? "" : `T${millis / 1000}S`;
    const date = `${months === 0 ? "" : `${months}M`}${days === 0 ? "" : `${days}D`}`;
    texts.pushString(date + time === "" ? "PT0S" : `P${date}${time}`);
    return true;
  };
}
