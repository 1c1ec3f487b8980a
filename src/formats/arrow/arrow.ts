/** Arrow files (`.arrow`, Feather version 2) and streams of Arrow messages. */
import {
  arrowSchema,
  canonicalFields,
  canonicaliser,
  ipcFile,
  type IPCReader,
  openIPCFile,
  openIPCStream,
  splitBatch,
} from "../../arrow/mod.ts";
import type { Batch } from "../../core/batch.ts";
import { ConfigurationError, DXTError, messageOf, ValidationError } from "../../core/errors.ts";
import type { Compression } from "../../models/format.ts";
import type { FileFormat, FileInput, ReadRequest, WriteRequest } from "../format.ts";

const MAGIC = "ARROW1";
/** A continuation marker and a length of zero. */
const END_OF_STREAM = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0);

async function openArrow(input: FileInput, compression: Compression): Promise<IPCReader> {
  refuseCompression(compression);
  const start = await input.read(0, Math.min(input.size, MAGIC.length));
  const isFile = new TextDecoder().decode(start) === MAGIC;
  // The library takes what is cut between two batches for whole.
  const ending = isFile ? new TextEncoder().encode(MAGIC) : END_OF_STREAM;
  const end = await input.read(Math.max(0, input.size - ending.length), input.size);
  if (ending.some((byte, i) => byte !== end[i])) throw new ValidationError("its end is missing");
  return isFile ? await openIPCFile(input) : await openIPCStream(await input.open());
}

function refuseCompression(compression: Compression): void {
  if (compression === "none") return;
  throw new ConfigurationError(
    `Cannot use compression "${compression}" with format arrow: expected none`,
  );
}

function malformed(input: FileInput, error: unknown): unknown {
  if (error instanceof DXTError && !(error instanceof ValidationError)) return error;
  if (error instanceof ValidationError && error.message.startsWith("Cannot")) return error;
  return new ValidationError(`Cannot read "${input.name}" as Arrow: ${messageOf(error)}`, {
    cause: error,
  });
}

const arrow: FileFormat = {
  name: "arrow",
  extension: "arrow",
  compressions: ["none"],
  optionKeys: [],

  async inferFields(input, { compression }) {
    try {
      return canonicalFields((await openArrow(input, compression)).schema);
    } catch (error) {
      throw malformed(input, error);
    }
  },

  async *read(input: FileInput, request: ReadRequest) {
    const bounds = { rows: request.batchRows, bytes: request.batchBytes };
    try {
      const { schema, batches } = await openArrow(input, request.compression);
      const canonical = canonicaliser(schema, request.projections);
      for await (const batch of batches) {
        if (batch.numRows > 0) yield* splitBatch(canonical(batch), bounds);
      }
    } catch (error) {
      throw malformed(input, error);
    }
  },

  write(batches: AsyncIterable<Batch>, { fields, compression }: WriteRequest) {
    refuseCompression(compression);
    return ipcFile(arrowSchema(fields), batches);
  },
};

export default arrow;
