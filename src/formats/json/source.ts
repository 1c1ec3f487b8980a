/** The records of a file one after the other, wherever chunks end. */
import { ValidationError } from "../../core/errors.ts";
import { describeLargeRecord, MAX_RECORD_BYTES } from "../text/record_size.ts";
import { INCOMPLETE, Malformed } from "./scan.ts";
import { ChunkBuffer } from "./chunk_buffer.ts";

/** Looks at the value at `at` and returns where it ends, as the functions of `scan.ts` do. */
export type Scan = (bytes: Uint8Array, at: number, end: number) => number;

/**
 * Scans record by record, as long as there are bytes at hand, and is filled in between:
 *
 *     do { while (source.next()) use(source.bytes); } while (await source.fill());
 */
export abstract class RecordSource {
  /** Records scanned so far. */
  records = 0;
  protected readonly window: ChunkBuffer;

  constructor(
    private readonly name: string,
    chunks: AsyncIterable<Uint8Array>,
    protected readonly scan: Scan,
    private readonly most = MAX_RECORD_BYTES,
  ) {
    this.window = new ChunkBuffer(chunks);
  }

  /** Lines before the next record; undefined where records are not lines. */
  get lines(): number | undefined {
    return undefined;
  }

  /** Where in the bytes the next record begins. */
  get at(): number {
    return this.window.start;
  }

  /** The bytes that positions of the scanned record refer to, until the next fill. */
  get bytes(): Uint8Array {
    return this.window.bytes;
  }

  /**
   * Scans the next record.
   *
   * @returns false when the bytes at hand hold no other whole record
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
   * Gets more bytes.
   *
   * @returns false at the end of the file, when all records have been scanned
   * @throws {ValidationError} when the file ends too early, a record is too large, or the bytes are
   * not of the file's compression or encoding
   */
  async fill(): Promise<boolean> {
    if (this.window.size > this.most) throw this.error(describeLargeRecord(this.most));
    try {
      if (await this.window.fill(this.most)) return true;
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

  /** Scans the next record and moves the window's start behind it. */
  protected abstract advance(): boolean;
  /** Called when there are no more bytes: whether `advance` should be tried once more. */
  protected abstract finish(): boolean;

  /** Where the next record is, for messages. */
  protected get place(): string {
    return `record ${this.records + 1}`;
  }

  protected error(detail: string): ValidationError {
    return new ValidationError(`Cannot read "${this.name}", ${this.place}: ${detail}`);
  }
}
