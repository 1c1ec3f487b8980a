/** The common part of JSON and JSON Lines: all but the text around records. */
import type { Compression, FormatOptions } from "../../models/format.ts";
import { compress, decompress } from "../compression/mod.ts";
import { checkUTF8, encodeText, toUTF8 } from "../text/encoding.ts";
import {
  cannotJoin,
  type FileFormat,
  type FileInput,
  type FileRange,
  type ReadRequest,
  wholeFile,
} from "../format.ts";
import { FORMATS } from "../catalog.ts";
import { readRangeBytes, splitLines } from "../text/line_ranges.ts";
import { INFER_ROWS, inferFields } from "./infer.ts";
import { readBatches } from "./read.ts";
import type { RecordSource, Scan } from "./records/source.ts";
import { type Layout, writeRecords } from "./write.ts";

interface RecordFormat {
  readonly name: "json" | "jsonl";
  readonly source: {
    new (
      name: string,
      chunks: AsyncIterable<Uint8Array>,
      scan: Scan,
      most: number | undefined,
    ): RecordSource;
  };
  readonly layout: (options: FormatOptions) => Layout;
  /** Whether each line starts a record, so that the file can be read in ranges. */
  readonly divisible: boolean;
}

type Encoded = Pick<ReadRequest, "compression" | "options">;

/** Whether offsets of the file are offsets of its text. */
function isPlain({ compression, options }: Encoded): boolean {
  return compression === "none" && (options.encoding ?? "utf-8") === "utf-8";
}

export function createJSONFormat(
  { name, source: Source, layout, divisible }: RecordFormat,
): FileFormat {
  const open = (input: FileInput, request: Encoded, range?: FileRange) => {
    const { compression, options } = request;
    // Only at the beginning of the file is a byte order mark not text.
    const bytes = range !== undefined && range.start > 0
      ? checkUTF8(readRangeBytes(input, range), range.start)
      : toUTF8(
        range === undefined ? readBytes(input, compression) : readRangeBytes(input, range),
        options.encoding ?? "utf-8",
      );
    return (scan: Scan) => new Source(input.name, bytes, scan, options.max_record_bytes);
  };
  return {
    ...FORMATS[name],
    split: divisible
      ? async (input, request, most) => {
        if (!isPlain(request)) return await wholeFile();
        return { ranges: await splitLines(input, most), guessed: false };
      }
      : wholeFile,
    inferFields: (input, request) =>
      inferFields(
        input.name,
        open(input, request),
        request.options.infer_rows ?? INFER_ROWS,
        request.skipsMalformed,
      ),
    read: (input, request) => readBatches(input, open(input, request, request.range), request),
    join: cannotJoin,
    async *write(batches, { fields, compression, options }) {
      const records = writeRecords(batches, fields, layout(options));
      yield* compress(encodeText(records, options.encoding ?? "utf-8"), compression);
    },
  };
}

async function* readBytes(input: FileInput, compression: Compression) {
  yield* decompress(await input.open(), compression);
}
