/** The format of Arrow files (`.arrow`, Feather version 2) and of streams of Arrow messages. */
import {
  arrowSchema,
  canonicalFields,
  createCanonicalizer,
  openIPC,
  splitBatch,
  writeIPCFile,
} from "../../arrow/mod.ts";
import { describeMadeNames } from "../../core/column_names.ts";
import type { Batch } from "../../core/contracts/batch.ts";
import { ConfigurationError, DXTError, messageOf, ValidationError } from "../../core/errors.ts";
import type { Compression } from "../../models/format.ts";
import {
  cannotJoin,
  type FileFormat,
  type FileInput,
  type ReadRequest,
  wholeFile,
  type WriteRequest,
} from "../format.ts";
import { FORMATS } from "../catalog.ts";

/** Longer batches are read in slices, since a batch of NULLs may have any number of rows. */
const MAX_ROWS = 1 << 20;

function refuseCompression(compression: Compression): void {
  if (compression === "none") return;
  throw new ConfigurationError(
    `Cannot use compression "${compression}" with format arrow: expected none`,
  );
}

function describeError(input: FileInput, error: unknown): unknown {
  if (error instanceof DXTError && !(error instanceof ValidationError)) return error;
  if (error instanceof ValidationError && error.message.startsWith("Cannot")) return error;
  return new ValidationError(`Cannot read "${input.name}" as Arrow: ${messageOf(error)}`, {
    cause: error,
  });
}

const arrow: FileFormat = {
  ...FORMATS.arrow,

  split: wholeFile,
  join: cannotJoin,

  async inferFields(input, { compression, warn }) {
    refuseCompression(compression);
    try {
      const { schema, made } = await openIPC(input);
      if (made.length > 0) warn?.(describeMadeNames(`file "${input.name}"`, made));
      return canonicalFields(schema);
    } catch (error) {
      throw describeError(input, error);
    }
  },

  async *read(input: FileInput, request: ReadRequest) {
    const bounds = { rows: request.batchRows, bytes: request.batchBytes };
    refuseCompression(request.compression);
    try {
      const { schema, batches } = await openIPC(input);
      const canonical = createCanonicalizer(schema, request.projections);
      const names = new Set(request.projections.map(({ field, column }) => column ?? field.name));
      for await (const batch of batches(names)) {
        for (let row = 0; row < batch.numRows; row += MAX_ROWS) {
          const part = batch.numRows > MAX_ROWS ? batch.slice(row, row + MAX_ROWS) : batch;
          yield* splitBatch(canonical(part), bounds);
        }
      }
    } catch (error) {
      throw describeError(input, error);
    }
  },

  write(batches: AsyncIterable<Batch>, { fields, compression }: WriteRequest) {
    refuseCompression(compression);
    return writeIPCFile(arrowSchema(fields), batches);
  },
};

export default arrow;
