/** What JSON and JSON Lines have in common: all but what stands between records. */
import type { Compression, FormatOptions } from "../../models/format.ts";
import { compress, decompress } from "../compression.ts";
import { encodeText, toUTF8 } from "../encoding.ts";
import { type FileFormat, type FileInput, type ReadRequest, whole } from "../format.ts";
import { INFER_ROWS, inferFields } from "./infer.ts";
import { readBatches } from "./read.ts";
import type { RecordSource, Scan } from "./source.ts";
import { type Layout, writeRecords } from "./write.ts";

interface RecordFormat {
  readonly name: "json" | "jsonl";
  readonly optionKeys: FileFormat["optionKeys"];
  readonly source: {
    new (name: string, chunks: AsyncIterable<Uint8Array>, scan: Scan): RecordSource;
  };
  readonly layout: (options: FormatOptions) => Layout;
}

export function jsonFormat({ name, optionKeys, source: Source, layout }: RecordFormat): FileFormat {
  const open = (input: FileInput, request: Pick<ReadRequest, "compression" | "options">) => {
    const bytes = toUTF8(bytesOf(input, request.compression), request.options.encoding ?? "utf-8");
    return (scan: Scan) => new Source(input.name, bytes, scan);
  };
  return {
    name,
    extension: name,
    compressions: ["none", "gzip", "zstd"],
    optionKeys,
    split: whole,
    inferFields: (input, request) =>
      inferFields(input.name, open(input, request), request.options.infer_rows ?? INFER_ROWS),
    read: (input, request) => readBatches(open(input, request), request),
    async *write(batches, { fields, compression, options }) {
      const records = writeRecords(batches, fields, layout(options));
      yield* compress(encodeText(records, options.encoding ?? "utf-8"), compression);
    },
  };
}

async function* bytesOf(input: FileInput, compression: Compression) {
  yield* decompress(await input.open(), compression);
}
