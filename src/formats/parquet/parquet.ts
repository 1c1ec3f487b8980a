/**
 * The Parquet format, read and written row group by row group.
 * Format: https://parquet.apache.org/docs/file-format/
 */
import { describeMadeNames } from "../../core/column_names.ts";
import type { Batch } from "../../core/contracts/batch.ts";
import { DXTError, messageOf, ValidationError } from "../../core/errors.ts";
import type { FileFormat, FileInput, ReadRequest, WriteRequest } from "../format.ts";
import { FORMATS } from "../catalog.ts";
import { readFooter } from "./reader/footer.ts";
import { joinParquet } from "./join.ts";
import { openParquet, splitRowGroups } from "./reader/reader.ts";
import { writeParquet } from "./writer/encoder.ts";

/** Prefixes that the library puts before its messages; they mean nothing to the user. */
const LIBRARY = /^(?:(?:Parquet argument error|Parquet error|External|EOF): )+/;

/** Turns errors of the library into typed ones; passes all others unchanged. */
function describeError(input: FileInput, error: unknown): unknown {
  if (error instanceof DXTError) return error;
  return new ValidationError(
    `Cannot read "${input.name}" as Parquet: ${messageOf(error).replace(LIBRARY, "")}`,
    { cause: error },
  );
}

const parquet: FileFormat = {
  ...FORMATS.parquet,

  async inferFields(input: FileInput, { warn }) {
    try {
      const { fields, made } = await openParquet(input);
      if (made.length > 0) warn?.(describeMadeNames(`file "${input.name}"`, made));
      return [...fields];
    } catch (error) {
      throw describeError(input, error);
    }
  },

  async split(input: FileInput, _request, maxRanges: number) {
    try {
      return { ranges: splitRowGroups(await readFooter(input), maxRanges), guessed: false };
    } catch (error) {
      throw describeError(input, error);
    }
  },

  async *read(input: FileInput, request: ReadRequest) {
    const { projections, range } = request;
    try {
      const names = projections.map(({ column, field }) => column ?? field.name);
      const file = await openParquet(input, names, range);
      yield* file.batches(request);
    } catch (error) {
      throw describeError(input, error);
    }
  },

  join: joinParquet,

  write(batches: AsyncIterable<Batch>, request: WriteRequest) {
    return writeParquet(batches, request);
  },
};

export default parquet;
