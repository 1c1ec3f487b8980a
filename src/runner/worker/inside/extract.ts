/** What a thread does at the source: it reads, and stages what it reads. */
import { stagePart } from "../../../buffers/mod.ts";
import type { StagedFile } from "../../../core/contracts/buffer.ts";
import { DXTError, ValidationError, ValueError } from "../../../core/errors.ts";
import type { Partition, RecordExtractor } from "../../../core/contracts/extractor.ts";
import { toTransferable, type TransferableValue } from "../../../core/values/transferable_value.ts";
import { countReleased } from "../../../sandbox/garbage.ts";
import {
  type ExtractSpec,
  fromTransferableSpec,
  NOTHING_SEEN,
  type Seen,
  stagedFields,
} from "../extract_spec.ts";
import { firstRows } from "../first_rows.ts";
import { connect } from "./connect.ts";
import type {
  ExtractInput,
  ExtractNews,
  ExtractResult,
  HeadInput,
  PartitionInput,
  PlainClass,
  SourceWatermarkInput,
  Tell,
} from "./protocol.ts";
import { argumentsOf, extractorClassOf, openSession, type WorkerSession } from "./session.ts";
import { buildTask, read } from "./extract_request.ts";
import { ProgressThrottle } from "./progress_throttle.ts";
import { FarTransform, type Transformed } from "./transforms.ts";

async function createRecordExtractor(
  here: WorkerSession,
  chosen: PlainClass,
): Promise<RecordExtractor> {
  const found = await extractorClassOf(here, chosen);
  if (found.yields === "records") {
    return await found.create(...await argumentsOf(here, found, chosen));
  }
  throw new DXTError(`Cannot read records with "${chosen.name}": it yields files`);
}

/** The partition stays open, and with it the moment that its parts are read of, until `close`. */
export async function partition(
  { extractor: chosen, reading, settings }: PartitionInput,
  _tell: Tell,
  signal: AbortSignal,
): Promise<Pick<Partition, "parts" | "guessed">> {
  const here = await openSession();
  const extractor = await createRecordExtractor(here, chosen);
  here.partition = await extractor.partition(
    buildTask(fromTransferableSpec(reading), signal),
    settings,
  );
  const { parts, guessed } = here.partition;
  return guessed === undefined ? { parts } : { parts, guessed };
}

/** Extracts everything, or one part, into files of its own. */
export async function extract(
  { extractor: chosen, reading: plain, part, folder, buffer }: ExtractInput,
  tell: (news: ExtractNews) => void,
  signal: AbortSignal,
): Promise<ExtractResult> {
  const here = await openSession();
  // What is read as a whole has a moment of its own, and must not wait for locks of the parts' moment.
  if (part === undefined) await here.endPartition();
  await using own = part && await connect(here.endpoint, signal);
  const found = await extractorClassOf(here, chosen);
  const created = await argumentsOf(here, found, chosen, own);
  const reading = {
    ...fromTransferableSpec(plain),
    ...(part === undefined ? {} : { part: part.part }),
  };
  const place = {
    folder,
    ...(part === undefined ? {} : { part: part.number }),
    fields: stagedFields(reading),
    onFile: (file: StagedFile) => tell({ file }),
  };
  using tally = new ProgressThrottle(tell);
  if (found.yields === "files") {
    const files = (await found.create(...created)).extract(buildTask(reading, signal));
    const onBytes = (bytes: number) => tally.add(0, bytes);
    return {
      ...await stagePart(buffer, { ...place, onBytes }, files),
      max: null,
      nulls: 0,
      placeless: 0,
    };
  }
  const seen: Seen = { ...NOTHING_SEEN };
  const onProgress = (rows: number, bytes: number) => {
    countReleased(bytes);
    tally.add(rows, bytes);
  };
  try {
    const watch = { signal, onProgress, ...transformOf(here, reading, tell) };
    const batches = read(await found.create(...created), reading, watch, seen);
    const written = await stagePart(buffer, place, batches);
    const { max, nulls, placeless, key } = seen;
    const future = key === undefined ? {} : { key };
    return { ...written, max: toTransferable(max), nulls, placeless, ...future };
  } catch (error) {
    throw part === undefined || part.number === 0 ? error : ofPart(error, part.number);
  }
}

function transformOf(
  here: WorkerSession,
  { projections, transformed }: ExtractSpec,
  tell: (news: ExtractNews) => void,
): { readonly transform?: FarTransform } {
  if (transformed === undefined) return {};
  const before = projections.map(({ field }) => field);
  const transform = new FarTransform(before, transformed, (batch) => tell({ transform: batch }));
  here.transform = transform;
  return { transform };
}

/** A row's number means something in the first part alone: the others do not know what was before. */
function ofPart(error: unknown, number: number): unknown {
  if (!(error instanceof ValueError)) return error;
  return new ValidationError(`${error.message} (row of part ${number + 1})`, { cause: error });
}

/** Highest watermark of the source, where it is known without reading all of it. */
export async function sourceWatermark(
  { extractor: chosen, ...asked }: SourceWatermarkInput,
): Promise<TransferableValue | undefined> {
  const here = await openSession();
  const { maxWatermark } = await extractorClassOf(here, chosen);
  const max = await maxWatermark?.(await here.connector, asked);
  return max === undefined ? undefined : toTransferable(max);
}

export async function head(
  { extractor: chosen, reading: plain }: HeadInput,
  _tell: Tell,
  signal: AbortSignal,
): Promise<TransferableValue[][]> {
  const here = await openSession();
  const reading = fromTransferableSpec(plain);
  const extractor = await createRecordExtractor(here, chosen);
  const fields = stagedFields(reading);
  const rows = await firstRows(
    extractor.extract(buildTask(reading, signal)),
    fields,
    reading.limit!,
  );
  return rows.map((row) => row.map(toTransferable));
}

/** What became of a batch that `extract` told as news. */
export async function transformed(answer: Transformed): Promise<void> {
  (await openSession()).transform?.receive(answer);
}
