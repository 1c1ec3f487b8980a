/** Reads the records of a file one by one, across chunk boundaries. */
import type { RejectedRecord } from "../../../core/contracts/extractor.ts";
import { ValidationError } from "../../../core/errors.ts";
import { describeLargeRecord, MAX_RECORD_BYTES } from "../../text/record_size.ts";
import { INCOMPLETE, Malformed } from "../syntax/scan.ts";
import { ChunkBuffer } from "./chunk_buffer.ts";

/** Scans the value at `at` and returns where it ends, as the functions of `scan.ts` do. */
export type Scan = (bytes: Uint8Array, at: number, end: number) => number;

/**
 * Scans record by record while bytes are buffered. The caller refills it in between:
 *
 * do { while (source.next()) use(source.bytes); } while (await source.fill());
 */
export abstract class RecordSource {
  /** Records scanned so far. */
  records = 0;
  protected readonly window: ChunkBuffer;

  constructor(
    private readonly name: string,
    chunks: AsyncIterable<Uint8Array>,
    protected readonly scan: Scan,
    private readonly maxRecordBytes = MAX_RECORD_BYTES,
  ) {
    this.window = new ChunkBuffer(chunks);
  }

  /** Lines before the next record; undefined where records are not lines. */
  get lines(): number | undefined {
    return undefined;
  }

  /** Position of the next record in the buffer. */
  get at(): number {
    return this.window.start;
  }

  /** The bytes that positions in the last record refer to, valid until the next fill. */
  get bytes(): Uint8Array {
    return this.window.bytes;
  }

  /**
   * Scans the next record.
   *
   * @returns false when no further record is buffered whole
   * @throws {ValidationError} when the text is malformed
   */
  next(): boolean {
    try {
      if (!this.advance()) return false;
    } catch (error) {
      if (error === INCOMPLETE) return false;
      throw error instanceof Malformed ? this.error(error.message) : error;
    }
    this.records++;
    return true;
  }

  /**
   * Skips the record for which `next` has thrown.
   *
   * @returns its number, line and text; undefined where the format does not show where the next record begins
   */
  skipMalformed(): Pick<RejectedRecord, "row" | "line" | "text"> | undefined {
    return undefined;
  }

  /**
   * Reads more bytes.
   *
   * @returns false at the end of the file, when all records have been scanned
   * @throws {ValidationError} when the file is truncated, a record is too large, or the bytes do
   * not match the file's compression or encoding
   */
  async fill(): Promise<boolean> {
    if (this.window.size > this.maxRecordBytes) {
      throw this.error(describeLargeRecord(this.maxRecordBytes));
    }
    try {
      if (await this.window.fill(this.maxRecordBytes)) return true;
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error;
      const detail = `Cannot read "${this.name}", after record ${this.records}: ${error.message}`;
      throw new ValidationError(detail, { cause: error });
    }
    return this.finish();
  }

  close(): Promise<void> {
    return this.window.close();
  }

  /** Scans the next record and moves the buffer's start behind it. */
  protected abstract advance(): boolean;
  /** Called at the end of the file; returns whether `advance` may find another record. */
  protected abstract finish(): boolean;

  /** Location of the next record, for messages. */
  protected get place(): string {
    return `record ${this.records + 1}`;
  }

  protected error(detail: string): ValidationError {
    return new ValidationError(`Cannot read "${this.name}", ${this.place}: ${detail}`);
  }
}
