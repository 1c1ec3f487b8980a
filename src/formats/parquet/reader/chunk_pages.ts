/** Reads the pages of a column chunk of any writer: their headers, checksums and bytes. */
import { crc32 } from "node:zlib";
import { ValidationError } from "../../../core/errors.ts";
import type { FileInput } from "../../format.ts";
import { findDecompressor } from "../codec.ts";
import { chunkRange, type Footer } from "./footer.ts";
import {
  ColumnChunk,
  ColumnMetaData,
  DATA_PAGE,
  DATA_PAGE_V2,
  DataPageHeader,
  DataPageHeaderV2,
  DICTIONARY_PAGE,
  DictionaryPageHeader,
  Encoding,
  INDEX_PAGE,
  PageHeader,
} from "../thrift/metadata.ts";
import { decodePrefix, ThriftError, type ThriftStruct } from "../thrift/thrift.ts";

/** Bytes of a chunk to read at once; most headers are far shorter. */
const READ_BYTES = 1 << 20;
/** Most bytes of a header: statistics can make it long. */
const MAX_HEADER = 1 << 24;

/** A page as its header describes it, with its bytes. */
export interface ChunkPage {
  readonly isDictionary: boolean;
  /** Number of values including NULLs; for a dictionary, its words. */
  readonly values: number;
  readonly encoding: number;
  /** Encoding of the definition levels in a page of version 1. */
  readonly levels: number | undefined;
  /** Bytes of the definition levels before the body in a page of version 2. */
  readonly definitionSize: number | undefined;
  readonly isCompressed: boolean;
  /** Bytes before compression, without the levels of version 2, which are never compressed. */
  readonly size: number;
  /** The page as stored, including its levels. */
  readonly bytes: Uint8Array;
}

const ENCODINGS: ReadonlySet<number> = new Set(Object.values(Encoding));

/** A column chunk of a row group. */
export interface Chunk {
  readonly struct: ThriftStruct;
  /** Name of its column, for messages. */
  readonly name: string;
}

/**
 * Yields the pages of a chunk up to its last value; one page at a time is in memory.
 *
 * @param judge called with each page before its bytes are read; may throw to refuse it
 * @returns the end of the last page
 * @throws {ThriftError} when a page is malformed or fails its checksum
 */
export async function* readPages(
  input: Pick<FileInput, "read">,
  footer: Pick<Footer, "start">,
  { struct, name }: Chunk,
  judge: (page: Omit<ChunkPage, "bytes">) => void,
): AsyncGenerator<ChunkPage, number, void> {
  const metadata = struct.struct(ColumnChunk.metadata)!;
  const [start, end] = chunkRange(struct, footer.start);
  // The first writers of dictionaries left out the dictionary's header in the size of the chunk.
  const reader = new ChunkReader(input, start, end, footer.start);
  const total = metadata.number(ColumnMetaData.numValues) ?? 0;
  for (let values = 0; values < total;) {
    const header = await reader.readHeader();
    const page = describePage(header, name);
    const size = size32(header, PageHeader.compressedSize);
    if (page !== undefined) judge(page);
    const bytes = await reader.readPage(size, name);
    const crc = header.number(PageHeader.crc);
    if (crc !== undefined && crc !== (crc32(bytes) | 0)) {
      throw new ThriftError(`column "${name}" has a page with a wrong checksum`);
    }
    if (page === undefined) continue;
    if ((page.definitionSize ?? 0) > bytes.length) {
      throw new ThriftError(`column "${name}" has a page with invalid levels`);
    }
    if (!page.isDictionary) values += page.values;
    if (values > total) {
      throw new ThriftError(`column "${name}" has more values than its metadata declares`);
    }
    yield { ...page, bytes };
  }
  return reader.at;
}

/** Describes a page by its header; undefined for an index page, which has no values. */
function describePage(header: ThriftStruct, name: string): Omit<ChunkPage, "bytes"> | undefined {
  const type = header.number(PageHeader.type);
  if (type === INDEX_PAGE) return undefined;
  const size = size32(header, PageHeader.uncompressedSize);
  const [dataV1, dataV2, dictionary] = [PageHeader.data, PageHeader.dataV2, PageHeader.dictionary]
    .map((id) => header.struct(id));
  if (type === DATA_PAGE && dataV1 !== undefined) {
    return {
      isDictionary: false,
      values: size32(dataV1, DataPageHeader.numValues),
      encoding: checkEncoding(dataV1.number(DataPageHeader.encoding), name),
      levels: dataV1.number(DataPageHeader.definitionEncoding),
      definitionSize: undefined,
      isCompressed: true,
      size,
    };
  }
  if (type === DATA_PAGE_V2 && dataV2 !== undefined) {
    const definitionSize = size32(dataV2, DataPageHeaderV2.definitionSize);
    const repetitionSize = dataV2.number(DataPageHeaderV2.repetitionSize) ?? 0;
    if (repetitionSize < 0 || size < definitionSize + repetitionSize) {
      throw new ThriftError(`column "${name}" has a page with invalid levels`);
    }
    return {
      isDictionary: false,
      values: size32(dataV2, DataPageHeaderV2.numValues),
      encoding: checkEncoding(dataV2.number(DataPageHeaderV2.encoding), name),
      levels: undefined,
      definitionSize,
      isCompressed: dataV2.flag(DataPageHeaderV2.isCompressed) ?? true,
      size: size - definitionSize - repetitionSize,
    };
  }
  if (type === DICTIONARY_PAGE && dictionary !== undefined) {
    return {
      isDictionary: true,
      values: size32(dictionary, DictionaryPageHeader.numValues),
      encoding: checkEncoding(dictionary.number(DictionaryPageHeader.encoding), name),
      levels: undefined,
      definitionSize: undefined,
      isCompressed: true,
      size,
    };
  }
  throw new ThriftError(`column "${name}" has a page of an unknown type`);
}

function checkEncoding(encoding: number | undefined, name: string): number {
  if (encoding !== undefined && ENCODINGS.has(encoding)) return encoding;
  throw new ThriftError(
    `column "${name}" has an unknown encoding, number ${encoding ?? "missing"}`,
  );
}

function size32(struct: ThriftStruct, id: number): number {
  const value = struct.number(id);
  if (value === undefined || value < 0 || value > 0x7fffffff) {
    throw new ThriftError("the header of a page is malformed");
  }
  return value;
}

/** Reads the bytes of a chunk on demand. */
class ChunkReader {
  #bytes: Uint8Array = new Uint8Array();
  /** Start of the buffered bytes, and of the next page. */
  #from = 0;
  #at: number;

  constructor(
    private readonly input: Pick<FileInput, "read">,
    start: number,
    private readonly end: number,
    private readonly limit: number,
  ) {
    this.#at = start;
  }

  /** Start of the next page. */
  get at(): number {
    return this.#at;
  }

  /** @throws {ThriftError} when no page header follows */
  async readHeader(): Promise<ThriftStruct> {
    // Pages lie behind the chunk's end only where its size is wrong.
    let end = this.#at < this.end ? Math.min(this.end, this.#at + READ_BYTES) : this.limit;
    for (let size = READ_BYTES; size <= MAX_HEADER; size *= 4) {
      const rest = this.#bytes.subarray(Math.max(0, this.#at - this.#from));
      try {
        const { struct, size } = decodePrefix(rest);
        this.#at += size;
        return struct;
      } catch (error) {
        if (!(error instanceof ThriftError)) throw error;
        if (this.#at + rest.length >= this.limit) break;
      }
      await this.#load(this.#at, end);
      end = Math.min(this.limit, this.#at + size * 4);
    }
    throw new ThriftError("the header of a page is malformed");
  }

  async readPage(size: number, name: string): Promise<Uint8Array> {
    const [start, end] = [this.#at, this.#at + size];
    if (end > this.limit) throw new ThriftError(`column "${name}" has a truncated page`);
    this.#at = end;
    if (this.#holds(start, end)) return this.#bytes.subarray(start - this.#from, end - this.#from);
    if (size < READ_BYTES / 4) {
      await this.#load(start, Math.max(end, Math.min(this.end, start + READ_BYTES)));
      return this.#bytes.subarray(0, size);
    }
    return await this.input.read(start, end);
  }

  #holds(start: number, end: number): boolean {
    return start >= this.#from && end <= this.#from + this.#bytes.length;
  }

  async #load(start: number, end: number): Promise<void> {
    this.#bytes = await this.input.read(start, end);
    this.#from = start;
  }
}

/**
 * Decompresses a page: its values, preceded by the levels in a page of version 1.
 *
 * @throws {ThriftError} when it is malformed, or its codec is not supported
 */
export function decompressPage(page: ChunkPage, { struct, name }: Chunk): Uint8Array {
  const body = page.bytes.subarray(page.definitionSize ?? 0);
  const { size } = page;
  const codec = struct.struct(ColumnChunk.metadata)!.number(ColumnMetaData.codec);
  // A page of NULLs alone may be empty, which no decompressor accepts.
  if (!page.isCompressed || codec === 0 || size === 0) {
    if (size !== body.length && size > 0) throw malformed(name);
    return body.subarray(0, size);
  }
  let bytes: Uint8Array;
  try {
    bytes = findDecompressor(codec)!(body, size);
  } catch (error) {
    throw new ThriftError(`${malformed(name).message}: ${(error as Error).message}`);
  }
  if (bytes.length !== size) throw malformed(name);
  return bytes;
}

function malformed(name: string): ThriftError {
  return new ThriftError(`column "${name}" has a page that cannot be decompressed`);
}

/** @throws {ValidationError} for a codec that dxt cannot read */
export function refuseCodec({ struct, name }: Chunk, file: string): void {
  const codec = struct.struct(ColumnChunk.metadata)!.number(ColumnMetaData.codec);
  if (findDecompressor(codec) !== undefined) return;
  throw new ValidationError(
    `Cannot read column "${name}" of "${file}": it is compressed with ${
      codec === LZO ? '"lzo"' : `an unknown codec, number ${codec ?? "missing"}`
    }, expected none, snappy, gzip, zstd, brotli or LZ4`,
  );
}

const LZO = 3;
