/** What a run left behind: its receipt, and its lines in the log. */
import { basename } from "node:path";
import { messageOf } from "../../../core/errors.ts";
import { ifPresent } from "../../../core/files/if_present.ts";
import { listReceipts } from "../../../integrity/receipt_files.ts";
import type { RunReceipt, RunResult } from "../../../models/result.ts";

/** Bytes at the end of a log that are read at most. */
const MOST_BYTES = 64 * 1024 * 1024;

/** A line of the log, maybe of a later version of dxt, with further keys. */
export interface FoundLine {
  readonly time: string;
  readonly event: string;
  readonly pipeline?: string;
  readonly run_id: string;
  readonly [key: string]: unknown;
}

/** A run that did not succeed. */
export interface FailedRun {
  readonly id: string;
  readonly startedAt: string;
  /** Undefined for a run that was killed. */
  readonly result?: RunResult;
  readonly receipt?: { readonly path: string; readonly receipt: RunReceipt };
  readonly lines: readonly FoundLine[];
  /** Pipeline file, as the run was given it. */
  readonly file?: string;
}

export interface RunPlaces {
  readonly receipts?: string | undefined;
  readonly logFile?: string | undefined;
}

export interface WantedRun {
  /** Name of the pipeline; any when unset. */
  readonly pipeline?: string | undefined;
  /** Pipeline file of the run, of which only the name is compared; any when unset. */
  readonly file?: string | undefined;
  /** Id of the run, or its beginning; the last run that failed when unset. */
  readonly run?: string | undefined;
}

export interface FoundRuns {
  readonly run: FailedRun | undefined;
  /** Why a place could not be read. */
  readonly problems: readonly string[];
}

/** The last run that failed, or the one with this id, whatever its outcome. */
export async function findRun(wanted: WantedRun, places: RunPlaces): Promise<FoundRuns> {
  const problems: string[] = [];
  const attempt = async <T>(work: () => Promise<T>, nothing: T): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      problems.push(messageOf(error));
      return nothing;
    }
  };
  const { receipts: folder, logFile } = places;
  const found = folder === undefined ? [] : await attempt(() => listReceipts(folder), []);
  const lines = logFile === undefined ? [] : await attempt(() => readLog(logFile), []);
  const receipts = (found ?? []).flatMap((one) => "receipt" in one ? [one] : []);
  const byRun = Map.groupBy(lines, ({ run_id }) => run_id);
  const ids = new Set([...byRun.keys(), ...receipts.map(({ receipt }) => receipt.result.run_id)]);
  const runs = [...ids].map((id): FailedRun & { readonly pipeline: string | undefined } => {
    const own = byRun.get(id) ?? [];
    const receipt = receipts.find((one) => one.receipt.result.run_id === id);
    const logged = own.findLast(({ event }) => event === "run_finished")?.["result"];
    const result = receipt?.receipt.result ?? logged as RunResult | undefined;
    const file = receipt?.receipt.file ??
      own.find(({ event }) => event === "run_started")?.["file"];
    return {
      id,
      pipeline: result?.pipeline ?? own[0]?.pipeline,
      startedAt: result?.started_at ?? own[0]!.time,
      lines: own,
      ...(result === undefined ? {} : { result }),
      ...(receipt === undefined ? {} : { receipt }),
      ...(typeof file === "string" ? { file } : {}),
    };
  }).sort((one, other) => one.startedAt < other.startedAt ? 1 : -1);
  const { pipeline, file, run } = wanted;
  return {
    problems,
    run: runs.find((one) =>
      (pipeline === undefined || one.pipeline === pipeline) &&
      (file === undefined || (one.file !== undefined && basename(one.file) === basename(file))) &&
      (run === undefined ? one.result?.status !== "succeeded" : one.id.startsWith(run))
    ),
  };
}

async function readLog(path: string): Promise<FoundLine[]> {
  return await ifPresent(async () => {
    using file = await Deno.open(path);
    const { size } = await file.stat();
    await file.seek(Math.max(0, size - MOST_BYTES), Deno.SeekMode.Start);
    const text = await new Response(file.readable).text();
    return text.split("\n").flatMap(parseLine);
  }) ?? [];
}

/** The first line that is read may be cut, and another program may write into the file. */
function parseLine(text: string): FoundLine[] {
  try {
    const line = JSON.parse(text) as FoundLine | null;
    return typeof line?.run_id === "string" && typeof line.time === "string" ? [line] : [];
  } catch {
    return [];
  }
}
