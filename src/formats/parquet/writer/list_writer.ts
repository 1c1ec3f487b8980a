/**
 * Writes a column of lists, which batches have as JSON arrays.
 * Format: https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#lists
 */
import {
  type Column,
  createColumn,
  type Data,
  isNull,
  type PushValue,
  valuePusher,
} from "../../../arrow/mod.ts";
import { ValueError } from "../../../core/errors.ts";
import type { Field } from "../../../models/field.ts";
import type { Codec } from "../codec.ts";
import { physicalLayout } from "../elements.ts";
import { Encoding } from "../thrift/metadata.ts";
import { ChunkWriter, type WrittenChunk } from "./chunk_writer.ts";
import type { ColumnWriter } from "./column_writer.ts";
import { writeVarint } from "./delta.ts";
import { parseList } from "./list_text.ts";
import { PAGE_BYTES } from "./page_values.ts";
import { encodePlain } from "./plain_values.ts";

/** Most bytes of JSON in a page, unless a single row has more: a digit may become eight bytes. */
const PAGE_TEXT = PAGE_BYTES >> 3;

/**
 * What a place of the page holds: its definition level, as in a nullable field. A field that is not
 * nullable has no level for NULL.
 */
const NULL = 0;
const EMPTY = 1;
const NULL_ELEMENT = 2;
const ELEMENT = 3;
/** Marks an element that continues the list of the place before it. */
const CONTINUES = 4;

export class ListWriter implements ColumnWriter {
  readonly #chunk: ChunkWriter;
  readonly #elements: Column;
  readonly #push: PushValue;
  #places = new Uint8Array(1 << 12);
  #count = 0;
  #rows = 0;
  #text = 0;

  constructor(private readonly field: Field, private readonly element: Field, codec: Codec) {
    this.#chunk = new ChunkWriter(field, physicalLayout(element).type, codec);
    this.#elements = createColumn(element);
    const push = valuePusher(element, this.#elements);
    this.#push = (value) => {
      this.#add(value === null ? NULL_ELEMENT : ELEMENT);
      if (value !== null) push(value);
    };
  }

  room(data: Data, from: number, rows: number): number {
    let count = rows;
    while (count > 1 && this.#text + this.countBytes(data, from, count) > PAGE_TEXT) count >>= 1;
    const isFull = this.#rows > 0 && this.#text + this.countBytes(data, from, count) > PAGE_TEXT;
    return isFull ? 0 : count;
  }

  countBytes({ valueOffsets }: Data, from: number, rows: number): number {
    return valueOffsets[from + rows]! - valueOffsets[from]!;
  }

  add(data: Data, from: number, count: number): void {
    for (let row = from; row < from + count; row++) {
      try {
        this.#addList(data, row);
      } catch (error) {
        throw error instanceof ValueError ? error.atRow(row + 1) : error;
      }
    }
    this.#rows += count;
    this.#text += this.countBytes(data, from, count);
  }

  #addList(data: Data, row: number): void {
    const { name, nullable } = this.field;
    if (isNull(data, row)) {
      if (nullable) return this.#add(NULL);
      throw new ValueError("expected a value, the field is not nullable", name, undefined, null);
    }
    const first = this.#count;
    const bytes = data.values.subarray(data.valueOffsets[row]!, data.valueOffsets[row + 1]!);
    parseList(utf8.decode(bytes), this.element, this.#push);
    if (this.#count === first) return this.#add(EMPTY);
    for (let place = first + 1; place < this.#count; place++) this.#places[place]! |= CONTINUES;
  }

  #add(place: number): void {
    if (this.#count === this.#places.length) {
      const grown = new Uint8Array(this.#count * 2);
      grown.set(this.#places);
      this.#places = grown;
    }
    this.#places[this.#count++] = place;
  }

  endPage(): number {
    const places = this.#places.subarray(0, this.#count);
    const elements = this.#elements.take();
    const lowest = this.field.nullable ? NULL : EMPTY;
    const size = this.#chunk.addPage({
      rows: this.#rows,
      values: places.length,
      nulls: places.length - elements.length,
      encoding: Encoding.PLAIN,
      repetition: packLevels(places, 1, (place) => place >> 2),
      definition: packLevels(places, 2, (place) => (place & 3) - lowest),
      bytes: encodePlain(elements, this.element),
    });
    this.#count = this.#rows = this.#text = 0;
    return size;
  }

  endChunk(): WrittenChunk {
    return this.#chunk.end();
  }
}

const utf8 = new TextDecoder();

/** Encodes the level of each place, of `width` bits, as one run of packed levels. */
function packLevels(
  places: Uint8Array,
  width: 1 | 2,
  level: (place: number) => number,
): Uint8Array {
  const groups = (places.length + 7) >> 3;
  const head = new Uint8Array(6);
  const at = writeVarint(head, 0, groups << 1 | 1);
  const levels = new Uint8Array(at + groups * width);
  levels.set(head.subarray(0, at));
  for (let i = 0; i < places.length; i++) {
    const bit = i * width;
    levels[at + (bit >> 3)]! |= level(places[i]!) << (bit & 7);
  }
  return levels;
}
