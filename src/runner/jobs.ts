/** What threads do for a run: extract a part of a stream, load some files of its stage. */
import { byteLength } from "../arrow/mod.ts";
import { fileSettings, openSlice, writePart } from "../buffers/mod.ts";
import type { StagedFile, StageSlice, WrittenPart } from "../core/buffer.ts";
import { ValidationError, ValueError } from "../core/errors.ts";
import type { Part, RecordExtractor } from "../core/extractor.ts";
import type { LoadTicket } from "../core/loader.ts";
import { parseText, textOf, type Value } from "../core/values.ts";
import type { BufferSettings } from "../models/buffer.ts";
import type { Field } from "../models/field.ts";
import type { Format } from "../models/format.ts";
import type { StreamTarget } from "../models/source.ts";
import type { LoadMode, LossRule } from "../models/stream.ts";
import { loadProvider } from "../providers/resolve.ts";
import { released } from "../sandbox/garbage.ts";
import { connect, type Endpoint } from "./endpoint.ts";
import { fromPlain, type PlainReading, read, stagedFields } from "./extraction.ts";
import type { Seen } from "./observe.ts";

/** A connection, and a class of its provider, by name. */
export interface PlainEndpoint {
  readonly provider: string;
  readonly config: unknown;
  readonly baseDirectory: string;
  readonly class: string;
  readonly options: unknown;
}

export interface ExtractInput {
  readonly source: PlainEndpoint;
  readonly reading: PlainReading;
  readonly part: Part;
  /** Number of the part, and folder for its files. */
  readonly number: number;
  readonly folder: string;
  readonly buffer: BufferSettings;
}

/** What was done since the last news. */
export type ExtractNews =
  | { readonly rows: number; readonly bytes: number }
  | { readonly file: StagedFile };

export interface ExtractResult extends WrittenPart {
  /** Highest watermark as text, and how many had none. */
  readonly max: string | null;
  readonly nulls: number;
}

/** Extracts one part into files of its own. */
export async function extractPart(
  { source, reading: plain, part, number, folder, buffer }: ExtractInput,
  tell: (news: ExtractNews) => void,
  signal: AbortSignal,
): Promise<ExtractResult> {
  const settings = await fileSettings((buffer.format ?? "parquet") as Format, buffer);
  const reading = { ...fromPlain(plain), part };
  const endpoint = await endpointOf(source);
  await using connector = await connect(endpoint, signal);
  const extractor = endpoint.provider.extractors[source.class]!
    .create(connector, source.options) as RecordExtractor;
  const seen: Seen = { rows: 0, bytes: 0, max: null, nulls: 0 };
  let [rowsTold, bytesTold] = [0, 0];
  const onProgress = (rows: number, bytes: number) => {
    released(bytes - bytesTold);
    tell({ rows: rows - rowsTold, bytes: bytes - bytesTold });
    [rowsTold, bytesTold] = [rows, bytes];
  };
  const batches = read(extractor, reading, signal, onProgress, seen);
  const fields = stagedFields(reading);
  const onFile = (file: StagedFile) => tell({ file });
  try {
    const written = await writePart(settings, { folder, part: number, fields, onFile }, batches);
    return { ...written, max: seen.max === null ? null : textOf(seen.max), nulls: seen.nulls };
  } catch (error) {
    throw number === 0 ? error : ofPart(error, number);
  }
}

/** A row's number means something in the first part alone: the others do not know what was before. */
function ofPart(error: unknown, number: number): unknown {
  if (!(error instanceof ValueError)) return error;
  return new ValidationError(`${error.message} (row of part ${number + 1})`, { cause: error });
}

export function maxOfPart({ max }: ExtractResult, field: Field): Value {
  return max === null ? null : parseText(max, field);
}

export interface LoadInput {
  readonly target: PlainEndpoint;
  readonly ref: StreamTarget;
  readonly mode: LoadMode;
  readonly upsertKeys: readonly string[];
  readonly lossy?: LossRule | undefined;
  readonly slice: StageSlice;
  readonly ticket: LoadTicket;
}

/** Loads some files of a stage into a shared load; returns the rows that the target took. */
export async function loadSlice(
  { target, ref, slice, ticket, ...settings }: LoadInput,
  tell: (news: { rows: number }) => void,
  signal: AbortSignal,
): Promise<number> {
  const staged = await openSlice(slice);
  const endpoint = await endpointOf(target);
  await using connector = await connect(endpoint, signal);
  const loader = endpoint.provider.loaders[target.class]!.create(connector, target.options);
  const told = {
    ...staged,
    async *readBatches() {
      for await (const batch of staged.readBatches()) {
        yield batch;
        released(byteLength(batch));
        tell({ rows: batch.numRows });
      }
    },
  };
  return await loader.loadShare({ target: ref, staged: told, ...settings, signal }, ticket);
}

async function endpointOf({ provider, config, baseDirectory }: PlainEndpoint): Promise<Endpoint> {
  return { provider: await loadProvider(provider), config, baseDirectory };
}
