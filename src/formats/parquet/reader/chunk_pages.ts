/** The pages of a column chunk of any writer: what their headers say, and their checksums. */
import { crc32 } from "node:zlib";
import { ValidationError } from "../../../core/errors.ts";
import type { FileInput } from "../../format.ts";
import { decompressorOf } from "../codec.ts";
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

/** Bytes of a chunk that are read at once, and those that hold hardly any header less. */
const WINDOW = 1 << 20;
/** Statistics make headers long; none is longer than this. */
const MAX_HEADER = 1 << 24;

export interface ChunkPage {
  readonly isDictionary: boolean;
  /** Values with NULLs, or those of the dictionary. */
  readonly values: number;
  readonly encoding: number;
  /** Encoding of the definition levels in the page of a first version. */
  readonly levels: number | undefined;
  /** Definition levels in front of the body, in the page of a second version. */
  readonly definitionSize: number | undefined;
  readonly isCompressed: boolean;
  /** Bytes before compression, without levels that are not compressed. */
  readonly size: number;
  /** The page as it is in the file, with its levels. */
  readonly bytes: Uint8Array;
}

const ENCODINGS: ReadonlySet<number> = new Set(Object.values(Encoding));

/** A chunk of a row group's columns. */
export interface Chunk {
  readonly struct: ThriftStruct;
  /** Of its column, for messages. */
  readonly name: string;
}

/**
 * The pages of a chunk up to its last value, one in memory at a time.
 *
 * @param judge is asked about each page before its bytes are read
 * @returns where the last one ends
 * @throws {ThriftError} when they are malformed, or a checksum is wrong
 */
export async function* chunkPages(
  input: Pick<FileInput, "read">,
  footer: Pick<Footer, "start">,
  { struct, name }: Chunk,
  judge: (page: Omit<ChunkPage, "bytes">) => void,
): AsyncGenerator<ChunkPage, number, void> {
  const metadata = struct.struct(ColumnChunk.metadata)!;
  const [start, end] = chunkRange(struct, footer.start);
  // The first writers of dictionaries forgot their headers in the size of a chunk.
  const window = new Window(input, start, end, footer.start);
  const total = metadata.number(ColumnMetaData.numValues) ?? 0;
  for (let values = 0; values < total;) {
    const header = await window.header();
    const page = pageOf(header, name);
    const size = size32(header, PageHeader.compressedSize);
    if (page !== undefined) judge(page);
    const bytes = await window.take(size, name);
    const crc = header.number(PageHeader.crc);
    if (crc !== undefined && crc !== (crc32(bytes) | 0)) {
      throw new ThriftError(`column "${name}" has a page whose checksum is wrong`);
    }
    if (page === undefined) continue;
    if ((page.definitionSize ?? 0) > bytes.length) {
      throw new ThriftError(`column "${name}" has a page with other levels`);
    }
    if (!page.isDictionary) values += page.values;
    if (values > total) throw new ThriftError(`column "${name}" has more values than it says`);
    yield { ...page, bytes };
  }
  return window.at;
}

/** What a header says; undefined for a page of an index, which holds no values. */
function pageOf(header: ThriftStruct, name: string): Omit<ChunkPage, "bytes"> | undefined {
  const type = header.number(PageHeader.type);
  if (type === INDEX_PAGE) return undefined;
  const size = size32(header, PageHeader.uncompressedSize);
  const [first, second, words] = [PageHeader.data, PageHeader.dataV2, PageHeader.dictionary]
    .map((id) => header.struct(id));
  if (type === DATA_PAGE && first !== undefined) {
    return {
      isDictionary: false,
      values: size32(first, DataPageHeader.numValues),
      encoding: encodingOf(first.number(DataPageHeader.encoding), name),
      levels: first.number(DataPageHeader.definitionEncoding),
      definitionSize: undefined,
      isCompressed: true,
      size,
    };
  }
  if (type === DATA_PAGE_V2 && second !== undefined) {
    const definitionSize = size32(second, DataPageHeaderV2.definitionSize);
    const repetitionSize = second.number(DataPageHeaderV2.repetitionSize) ?? 0;
    if (repetitionSize < 0 || size < definitionSize + repetitionSize) {
      throw new ThriftError(`column "${name}" has a page with other levels`);
    }
    return {
      isDictionary: false,
      values: size32(second, DataPageHeaderV2.numValues),
      encoding: encodingOf(second.number(DataPageHeaderV2.encoding), name),
      levels: undefined,
      definitionSize,
      isCompressed: second.flag(DataPageHeaderV2.isCompressed) ?? true,
      size: size - definitionSize - repetitionSize,
    };
  }
  if (type === DICTIONARY_PAGE && words !== undefined) {
    return {
      isDictionary: true,
      values: size32(words, DictionaryPageHeader.numValues),
      encoding: encodingOf(words.number(DictionaryPageHeader.encoding), name),
      levels: undefined,
      definitionSize: undefined,
      isCompressed: true,
      size,
    };
  }
  throw new ThriftError(`column "${name}" has a page of an unknown kind`);
}

function encodingOf(encoding: number | undefined, name: string): number {
  if (encoding !== undefined && ENCODINGS.has(encoding)) return encoding;
  throw new ThriftError(
    `column "${name}" has an unknown encoding, its number is ${encoding ?? "missing"}`,
  );
}

function size32(struct: ThriftStruct, id: number): number {
  const value = struct.number(id);
  if (value === undefined || value < 0 || value > 0x7fffffff) {
    throw new ThriftError("the header of a page is malformed");
  }
  return value;
}

/** Bytes of a chunk, read as they are asked for. */
class Window {
  #bytes: Uint8Array = new Uint8Array();
  /** Where these bytes begin, and the next page. */
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

  /** Where the next page begins. */
  get at(): number {
    return this.#at;
  }

  /** @throws {ThriftError} when no header of a page follows */
  async header(): Promise<ThriftStruct> {
    // Beyond the chunk's end there is something only where that is wrong.
    let end = this.#at < this.end ? Math.min(this.end, this.#at + WINDOW) : this.limit;
    for (let size = WINDOW; size <= MAX_HEADER; size *= 4) {
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

  async take(size: number, name: string): Promise<Uint8Array> {
    const [start, end] = [this.#at, this.#at + size];
    if (end > this.limit) throw new ThriftError(`column "${name}" has a page that is cut`);
    this.#at = end;
    if (this.#holds(start, end)) return this.#bytes.subarray(start - this.#from, end - this.#from);
    if (size < WINDOW / 4) {
      await this.#load(start, Math.max(end, Math.min(this.end, start + WINDOW)));
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
 * The values of a page, with the levels of a first version in front.
 *
 * @throws {ThriftError} when it is malformed, or compressed in a way that is not read
 */
export function decompressPage(page: ChunkPage, { struct, name }: Chunk): Uint8Array {
  const body = page.bytes.subarray(page.definitionSize ?? 0);
  const { size } = page;
  const codec = struct.struct(ColumnChunk.metadata)!.number(ColumnMetaData.codec);
  // A page of NULLs alone may have no bytes, which no decompressor takes.
  if (!page.isCompressed || codec === 0 || size === 0) {
    if (size !== body.length && size > 0) throw malformed(name);
    return body.subarray(0, size);
  }
  let bytes: Uint8Array;
  try {
    bytes = decompressorOf(codec)!(body, size);
  } catch (error) {
    throw new ThriftError(`${malformed(name).message}: ${(error as Error).message}`);
  }
  if (bytes.length !== size) throw malformed(name);
  return bytes;
}

function malformed(name: string): ThriftError {
  return new ThriftError(`column "${name}" has a page that cannot be decompressed`);
}

/** @throws {ValidationError} for a compression that is not read */
export function refuseCodec({ struct, name }: Chunk, file: string): void {
  const codec = struct.struct(ColumnChunk.metadata)!.number(ColumnMetaData.codec);
  if (decompressorOf(codec) !== undefined) return;
  throw new ValidationError(
    `Cannot read column "${name}" of "${file}": it is compressed with ${
      codec === LZO ? '"lzo"' : `an unknown codec, its number is ${codec ?? "missing"}`
    }, expected none, snappy, gzip, zstd, brotli or LZ4`,
  );
}

const LZO = 3;
