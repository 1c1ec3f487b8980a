/** Creates the CSV format and its variants with another delimiter. */
import {
  cannotJoin,
  type FileFormat,
  type FileInput,
  type FileRange,
  type ReadRequest,
  wholeFile,
  type WriteRequest,
} from "../format.ts";
import { compress, decompress } from "../compression/mod.ts";
import { FORMATS } from "../catalog.ts";
import { encodeText, toUTF8 } from "../text/encoding.ts";
import type { Batch } from "../../core/contracts/batch.ts";
import { ValidationError } from "../../core/errors.ts";
import { resolveDialect } from "./dialect.ts";
import { isDivisible, readRange, splitPoints } from "./ranges.ts";
import { inferFields, readBatches } from "./read.ts";
import { writeRecords } from "./write.ts";

/** Records from which types are inferred, unless `infer_rows` says otherwise. */
const INFER_ROWS = 20_480;

export function createDelimitedFormat(name: "csv" | "tsv", delimiter: string): FileFormat {
  const open = async (
    input: FileInput,
    { compression, options }: Pick<ReadRequest, "compression" | "options">,
  ) => toUTF8(decompress(await input.open(), compression), options.encoding ?? "utf-8");
  return {
    ...FORMATS[name],

    async split(input, request, maxRanges) {
      if (!isDivisible(request)) return await wholeFile();
      const points = await splitPoints(input, delimiter, request.options, maxRanges);
      const ranges = [0, ...points].map((start, i) => ({ start, end: points[i] ?? input.size }));
      return { ranges, guessed: true };
    },

    async inferFields(input, request) {
      const dialect = resolveDialect(request.options, delimiter);
      const { warn, skipsMalformed, options: { infer_rows: maxRecords = INFER_ROWS } } = request;
      return await inferFields(input.name, await open(input, request), dialect, {
        maxRecords,
        warn,
        skipsMalformed,
      });
    },

    async *read(input: FileInput, request: ReadRequest) {
      if (request.range !== undefined) {
        return yield* readExactRange(input, delimiter, request, request.range);
      }
      const dialect = resolveDialect(request.options, delimiter);
      yield* readBatches(input, await open(input, request), dialect, request);
    },

    join: cannotJoin,

    write(batches: AsyncIterable<Batch>, { fields, compression, options }: WriteRequest) {
      const dialect = resolveDialect(options, delimiter);
      const text = writeRecords(batches, fields, dialect);
      return yieldAll(compress(encodeText(text, dialect.encoding), compression));
    },
  };
}

async function* yieldAll(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* bytes;
}

/** @throws {ValidationError} when the start of the following range was guessed wrong */
async function* readExactRange(
  input: FileInput,
  delimiter: string,
  request: ReadRequest,
  { start, end }: FileRange,
): AsyncGenerator<Batch, void, void> {
  const from = { offset: start, rows: 0, lines: 0 };
  const { offset } = yield* readRange(input, delimiter, request, from, end);
  if (offset === end || end === input.size) return;
  throw new ValidationError(
    `Cannot read a part of "${input.name}": a record begins at byte ${offset}, expected ${end}`,
  );
}
