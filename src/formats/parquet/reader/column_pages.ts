/** The pages of one column of a row group that dxt wrote. */
import { crc32 } from "node:zlib";
import { messageOf } from "../../../core/errors.ts";
import type { Field } from "../../../models/field.ts";
import { countBits } from "../bits.ts";
import type { Codec } from "../codec.ts";
import { DATA_PAGE_V2, DataPageHeaderV2, PageHeader } from "../thrift/metadata.ts";
import type { Page, PageDecoder } from "./page.ts";
import { decodePrefix, ThriftError, type ThriftStruct } from "../thrift/thrift.ts";
import { PAGE_BYTES, PAGE_ROWS } from "../writer/page_values.ts";

/** No page of many values is larger: lengths and levels come on top of the bytes. */
const MAX_PAGE = PAGE_BYTES + PAGE_ROWS * 5;
/** No header of a page is longer. */
const MAX_HEADER = 256;

/** What a page's header says. */
export interface PageInfo {
  readonly rows: number;
  readonly nulls: number;
  /** Bytes of the values before compression. */
  readonly size: number;
  readonly encoding: number;
  readonly isCompressed: boolean;
  readonly levels: Uint8Array;
  readonly body: Uint8Array;
}

export class ColumnPages {
  #at = 0;

  constructor(
    private readonly field: Field,
    private readonly codec: Codec,
    private readonly bytes: Uint8Array,
    private readonly decode: PageDecoder,
  ) {}

  get isAtEnd(): boolean {
    return this.#at === this.bytes.length;
  }

  /** @throws {ThriftError} when no sound page follows */
  next(): PageInfo {
    const { bytes } = this;
    const { struct, size } = decodePrefix(bytes.subarray(this.#at, this.#at + MAX_HEADER));
    const start = this.#at + size;
    const end = start + need(struct, PageHeader.compressedSize);
    const data = struct.struct(PageHeader.dataV2);
    if (data === undefined || struct.number(PageHeader.type) !== DATA_PAGE_V2) {
      throw this.#error("another kind of page");
    }
    if (end > bytes.length) throw this.#error("a page that is cut");
    const page = bytes.subarray(start, end);
    if ((crc32(page) | 0) !== struct.number(PageHeader.crc)) {
      throw this.#error("a page whose checksum is wrong");
    }
    this.#at = end;
    const levels = need(data, DataPageHeaderV2.definitionSize);
    if (levels > page.length || need(data, DataPageHeaderV2.repetitionSize) !== 0) {
      throw this.#error("a page with other levels");
    }
    return this.#checked({
      rows: need(data, DataPageHeaderV2.numRows),
      nulls: need(data, DataPageHeaderV2.numNulls),
      size: need(struct, PageHeader.uncompressedSize) - levels,
      encoding: need(data, DataPageHeaderV2.encoding),
      isCompressed: data.flag(DataPageHeaderV2.isCompressed) ?? true,
      levels: page.subarray(0, levels),
      body: page.subarray(levels),
    }, need(data, DataPageHeaderV2.numValues));
  }

  #checked(page: PageInfo, values: number): PageInfo {
    const { rows, nulls, size, isCompressed, body } = page;
    if (rows < 1 || rows > PAGE_ROWS || values !== rows || nulls > rows) {
      throw this.#error("a page with other rows");
    }
    if (
      size < 0 || (size > MAX_PAGE && rows - nulls > 1) || (!isCompressed && size !== body.length)
    ) {
      throw this.#error("a page of another size");
    }
    return page;
  }

  /**
   * The values of a page.
   *
   * @throws {ThriftError} when they are not what its header and the column's type say
   */
  read(info: PageInfo): Page {
    const { rows, nulls } = info;
    const bits = nulls === 0 || nulls === rows ? undefined : this.#bits(info);
    if (bits === undefined) this.#checkRun(info);
    const bytes = this.#values(info);
    try {
      return this.decode({
        rows,
        nulls,
        bits: nulls === rows ? new Uint8Array((rows + 7) >> 3) : bits,
        bytes,
        encoding: info.encoding,
      });
    } catch (error) {
      throw error instanceof ThriftError ? this.#error(error.message) : error;
    }
  }

  #values({ size, body, isCompressed }: PageInfo): Uint8Array {
    if (!isCompressed) return body;
    let bytes: Uint8Array;
    try {
      bytes = this.codec.decompress(body, size);
    } catch (error) {
      throw this.#error(`a page that cannot be decompressed: ${messageOf(error)}`);
    }
    if (bytes.length !== size) throw this.#error("a page that cannot be decompressed");
    return bytes;
  }

  /** Levels that are all the same: a run with its length in a varint. */
  #checkRun({ rows, nulls, levels }: PageInfo): void {
    if (!this.field.nullable) {
      if (levels.length > 0 || nulls > 0) throw this.#error("a page with other levels");
      return;
    }
    const [run, at] = varint(levels);
    if (run !== rows * 2 || levels.length !== at + 1 || levels[at] !== (nulls === 0 ? 1 : 0)) {
      throw this.#error("a page with other levels");
    }
  }

  /** Levels that differ: bits, least significant first, as Arrow has them. */
  #bits({ rows, nulls, levels }: PageInfo): Uint8Array {
    const bytes = (rows + 7) >> 3;
    const [run, at] = varint(levels);
    const bits = levels.subarray(at);
    if (
      !this.field.nullable || run !== bytes * 2 + 1 || bits.length !== bytes ||
      countBits(bits, rows) !== rows - nulls
    ) throw this.#error("a page with other levels");
    return bits;
  }

  #error(detail: string): ThriftError {
    return new ThriftError(`column "${this.field.name}" has ${detail}`);
  }
}

function need(struct: ThriftStruct, id: number): number {
  const value = struct.number(id);
  if (value === undefined || value < 0) throw new ThriftError("a page's header is malformed");
  return value;
}

function varint(bytes: Uint8Array): readonly [value: number, end: number] {
  let value = 0;
  for (let at = 0; at < 4 && at < bytes.length; at++) {
    value += (bytes[at]! & 127) * 128 ** at;
    if (bytes[at]! < 128) return [value, at + 1];
  }
  return [-1, 0];
}
