/** Jobs of a worker at the source: it partitions, extracts, and writes files of the stage. */
import { RejectedWriter, stagePart } from "../../../buffers/mod.ts";
import type { StagedFile, WrittenPart } from "../../../core/contracts/buffer.ts";
import { DXTError, ValidationError, ValueError } from "../../../core/errors.ts";
import type { Partition, RecordExtractor } from "../../../core/contracts/extractor.ts";
import type { Value } from "../../../core/values/values.ts";
import { countReleased } from "../../../sandbox/garbage.ts";
import { type ExtractSpec, type ExtractStats, newStats, specFields } from "../extract_spec.ts";
import { firstRows } from "../first_rows.ts";
import { connect } from "./connect.ts";
import type {
  ExtractInput,
  ExtractProgress,
  ExtractResult,
  HeadInput,
  NoReport,
  PartitionInput,
  PlainClass,
  SourceWatermarkInput,
  TransformProgress,
} from "./protocol.ts";
import {
  currentSession,
  findExtractorClass,
  makeArguments,
  type WorkerSession,
} from "./session.ts";
import { buildTask, readBatches } from "./extract_request.ts";
import { ProgressThrottle } from "./progress_throttle.ts";
import { RejectedRecords } from "./rejected/rejected_records.ts";
import { selectRows } from "./select_rows.ts";
import { FarTransform, type Transformed } from "./transforms.ts";

export async function createRecordExtractor(
  session: WorkerSession,
  chosen: PlainClass,
): Promise<RecordExtractor> {
  const found = await findExtractorClass(session, chosen);
  if (found.yields === "records") {
    return await found.create(...await makeArguments(session, found, chosen));
  }
  throw new DXTError(`Cannot read records with "${chosen.name}": it yields files`);
}

/** Partitions a source. The partition stays open until `close`, and keeps the snapshot of its parts. */
export async function partition(
  { extractor: chosen, request, settings }: PartitionInput,
  _report: NoReport,
  signal: AbortSignal,
): Promise<Pick<Partition, "parts" | "guessed" | "moment">> {
  const session = await currentSession();
  const extractor = await createRecordExtractor(session, chosen);
  session.partition = await extractor.partition(buildTask(request, signal), settings);
  const { parts, guessed, moment } = session.partition;
  return {
    parts,
    ...(guessed === undefined ? {} : { guessed }),
    ...(moment === undefined ? {} : { moment }),
  };
}

/** Extracts everything, or one part, into files of its own. */
export async function extract(
  { extractor: chosen, spec, part, folder, buffer }: ExtractInput,
  report: (progress: ExtractProgress) => void,
  signal: AbortSignal,
): Promise<ExtractResult> {
  const session = await currentSession();
  // A read of the whole source takes its own snapshot, and must not wait for the locks of the partition.
  if (part === undefined) await session.endPartition();
  await using own = part && await connect(session.endpoint, signal);
  const found = await findExtractorClass(session, chosen);
  const created = await makeArguments(session, found, chosen, own);
  using throttle = new ProgressThrottle(report);
  const place = {
    folder,
    ...(part === undefined ? {} : { part: part.number }),
    fields: specFields(spec),
    summarize: spec.summarize,
    onFile: (file: StagedFile) => report({ file }),
    onBytes: (bytes: number) => throttle.add(0, bytes),
  };
  const stats = newStats();
  if (found.yields === "files") {
    const task = buildTask(spec.request, signal, part?.part);
    const files = (await found.create(...created)).extract(task);
    return makeResult(await stagePart(buffer, place, files), stats);
  }
  const onProgress = (rows: number, bytes: number) => {
    countReleased(bytes);
    throttle.add(rows, bytes);
  };
  try {
    using letters = new RejectedWriter(
      buffer.format === "memory" ? undefined : folder,
      part?.number,
    );
    const rejections = spec.rejects &&
      new RejectedRecords(spec.rejects, spec.request.projections, letters, part === undefined);
    const task = buildTask(spec.request, signal, part?.part, rejections);
    const watch = { signal, onProgress, rejections, ...openTransform(session, spec, report) };
    const extraction = (await found.create(...created)).extract(task);
    const all = readBatches(extraction, spec, watch, stats);
    const batches = spec.only === undefined ? all : selectRows(all, place.fields, spec.only);
    const written = await stagePart(buffer, place, batches);
    const rejected = letters.finish();
    return makeResult(
      rejected === undefined ? written : { ...written, rejected: [rejected] },
      stats,
    );
  } catch (error) {
    throw part === undefined || part.number === 0 ? error : addPart(error, part.number);
  }
}

function makeResult(written: WrittenPart, stats: ExtractStats): ExtractResult {
  const { max, nulls, placeless, key } = stats;
  return { ...written, max, nulls, placeless, ...(key === undefined ? {} : { key }) };
}

export function openTransform(
  session: WorkerSession,
  { request: { projections }, transformed }: ExtractSpec,
  report: (progress: TransformProgress) => void,
): { readonly transform?: FarTransform } {
  if (transformed === undefined) return {};
  const before = projections.map(({ field }) => field);
  const transform = new FarTransform(before, transformed, (batch) => report({ transform: batch }));
  session.transform = transform;
  return { transform };
}

/** Adds the part to the row number of an error, since a part does not know the rows before it. */
function addPart(error: unknown, part: number): unknown {
  if (!(error instanceof ValueError)) return error;
  return new ValidationError(`${error.message} (row of part ${part + 1})`, { cause: error });
}

/** Returns the highest watermark of the source if it is cheap to find. */
export async function getSourceWatermark(
  { extractor: chosen, ...query }: SourceWatermarkInput,
): Promise<Exclude<Value, null> | undefined> {
  const session = await currentSession();
  const { maxWatermark } = await findExtractorClass(session, chosen);
  return await maxWatermark?.(await session.connector, query);
}

/** The first rows of a dataset, as many as the request's limit. */
export async function head(
  { extractor: chosen, request }: HeadInput,
  _report: NoReport,
  signal: AbortSignal,
): Promise<Value[][]> {
  const extractor = await createRecordExtractor(await currentSession(), chosen);
  const fields = request.projections.map(({ field }) => field);
  return await firstRows(extractor.extract(buildTask(request, signal)), fields, request.limit!);
}

/** Receives a transformed batch that `extract` reported. */
export async function transformed(answer: Transformed): Promise<void> {
  (await currentSession()).transform?.receive(answer);
}
