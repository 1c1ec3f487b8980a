/**
 * Finds what runs keep or left: stages, temporary folders, and what killed loads left beside targets. Takes no
 * lock, and changes nothing.
 */
import { basename, dirname, join } from "node:path";
import { type FoundStage, listStages, removeFound } from "../../buffers/mod.ts";
import type { LoadedPipeline } from "../../config/mod.ts";
import { messageOf } from "../../core/errors.ts";
import { isOwned, listOwnFolders, removeIfAbandoned } from "../../core/files/own_folder.ts";
import { ifPresent } from "../../core/files/if_present.ts";
import { measurePath } from "../../core/files/path_size.ts";
import type { Claim } from "../../core/files/run_lock.ts";
import type { StoredEntry } from "../../models/stored.ts";
import { isWildcard } from "../../models/wildcard.ts";
import type { Selection } from "../../selector/mod.ts";
import { expandStagedWildcards, expandWildcards } from "../inspect/wildcards.ts";
import { askOutcome } from "../load/pending_load.ts";
import type { PipelinePlan, StreamPlan } from "../plan/pipeline_plan.ts";
import { planSelected } from "../plan/select_plans.ts";
import { removeEmptyFolders } from "../stage_folders.ts";
import { findLetters } from "./dead_letters.ts";
import { describeLetters, findOwnLetters } from "./stored_letters.ts";
import type { ConnectionClient } from "../worker/connection_client.ts";
import { openClient, plainClass } from "../worker/connection_clients.ts";
import { openThreads } from "../worker/pool.ts";

/** One thing that was found, and how to remove it. */
export interface StoredItem {
  readonly entry: StoredEntry;
  /**
   * Removes it under its lock; returns false if it has changed or is gone.
   *
   * @throws {ConcurrentRunError} when another run has it
   */
  remove(claim: Claim, signal: AbortSignal): Promise<boolean>;
}

/** All that was found. Disposing it closes the connection over which items are removed. */
export interface Survey extends AsyncDisposable {
  readonly items: readonly StoredItem[];
  /** Why the target could not be asked. */
  readonly problems: readonly string[];
}

export interface SurveyOptions extends Selection {
  readonly signal: AbortSignal;
}

/** Folder of all that dxt keeps beside a pipeline. */
const OWN = ".dxt";

/** Surveys the stages, temporary folders and targets of a pipeline. */
export async function surveyPipeline(
  loaded: LoadedPipeline,
  { signal, ...selection }: SurveyOptions,
): Promise<Survey> {
  const problems: string[] = [];
  const plan = await planExpanded(loaded, selection, signal, problems);
  const known = plan.streams.filter(({ stream }) => !isWildcard(stream));
  const isWhole = Object.values(selection).every((value) => value === undefined);
  await using stack = new AsyncDisposableStack();
  const threads = stack.use(openThreads(loaded));
  const client = stack.use(openClient(
    plan.target,
    { writes: known.map(({ target }) => target) },
    { threads, signal },
    known.map(({ loader }) => loader),
  ));
  const target = new AskedTarget(client, { ...plan, streams: known }, signal, problems);
  const items = [
    ...await findStages(plan, isWhole, target),
    ...(isWhole ? await findFolders(join(loaded.directory, OWN)) : []),
    ...await target.leftovers(),
    ...(await findLetters(loaded, selection)).map(describeLetters),
  ];
  const opened = stack.move();
  return { items, problems, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Plans the selected streams; those of wildcards by their stages if the source does not list its tables. */
async function planExpanded(
  loaded: LoadedPipeline,
  selection: Selection,
  signal: AbortSignal,
  problems: string[],
): Promise<PipelinePlan> {
  const expand = async () => {
    try {
      return await expandWildcards(loaded, { signal, retries: 0 });
    } catch (error) {
      signal.throwIfAborted();
      problems.push(`Cannot list the tables of the source: ${messageOf(error)}`);
      return await expandStagedWildcards(loaded);
    }
  };
  return await planSelected(await expand(), selection);
}

/** Surveys a folder and the folders in it, each of which may hold pipelines. Targets are not known then. */
export async function surveyFolder(folder: string): Promise<Survey> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  const inside = entries.filter(({ name, isDirectory }) => isDirectory && !name.startsWith("."))
    .map(({ name }) => name).sort();
  const items: StoredItem[] = [];
  const problems: string[] = [];
  for (const name of ["", ...inside]) {
    const own = join(folder, name, OWN);
    try {
      items.push(...await findOwn(own));
    } catch (error) {
      problems.push(`Cannot look into "${own}": ${messageOf(error)}`);
    }
  }
  return { items, problems, [Symbol.asyncDispose]: () => Promise.resolve() };
}

/** What dxt keeps in its own folder beside pipelines. */
async function findOwn(own: string): Promise<StoredItem[]> {
  const root = join(own, "stage");
  const pipelines = await ifPresent(() => Array.fromAsync(Deno.readDir(root))) ?? [];
  const items: StoredItem[] = [];
  for (const { name } of pipelines.filter(({ isDirectory }) => isDirectory)) {
    const parents = [join(root, name), root, own];
    const stages = await listStages(parents[0]!);
    items.push(...stages.map((stage) => stageItem(stage, describeStage(stage), parents)));
  }
  return [...items, ...await findFolders(own), ...await findOwnLetters(join(own, "dead_letters"))];
}

/** The stages of a plan; those of other variables, or of streams that it lacks, only if it `isWhole`. */
async function findStages(
  { streams }: PipelinePlan,
  isWhole: boolean,
  target: AskedTarget,
): Promise<StoredItem[]> {
  const items: StoredItem[] = [];
  for (const folder of new Set(streams.flatMap(({ stageParents: [pipeline] }) => pipeline ?? []))) {
    for (const stage of await listStages(folder)) {
      const plan = streams.find(({ stageDirectory }) => stageDirectory === stage.directory);
      if (plan === undefined && !isWhole) continue;
      const known = plan === undefined ? {} : { stream: plan.stream.id };
      const entry = { ...describeStage(stage), ...known, ...await target.outcome(stage, plan) };
      items.push(stageItem(stage, entry, streams[0]!.stageParents));
    }
  }
  return items;
}

/** @param parents folders around the stage that dxt makes, from the inside out */
function stageItem(
  stage: FoundStage,
  entry: StoredEntry,
  parents: readonly string[],
): StoredItem {
  return {
    entry,
    async remove(claim, signal) {
      const isRemoved = await removeFound(stage, claim, signal);
      if (isRemoved) removeEmptyFolders(parents);
      return isRemoved;
    },
  };
}

function describeStage(
  { state, directory, count, holder, problem, ...size }: FoundStage,
): StoredEntry {
  return {
    kind: "stage",
    state,
    place: directory,
    pipeline: decodeName(basename(dirname(directory))),
    stream: decodeName(basename(directory)),
    ...(count === undefined ? {} : { rows: count }),
    ...describeSize(size),
    ...(holder === undefined ? {} : { held_by: holder }),
    ...(problem === undefined ? {} : { problem }),
  };
}

/** The id that a folder is named after; `@` begins what tells runs with other variables apart. */
function decodeName(folder: string): string {
  try {
    return decodeURIComponent(folder.replace(/@.*$/, ""));
  } catch {
    return folder;
  }
}

function describeSize({ bytes, changed }: { bytes: number; changed?: number | undefined }) {
  return {
    bytes,
    ...(changed === undefined ? {} : { changed: new Date(changed).toISOString() }),
  };
}

/** Folders of pipes and of copies of remote files. */
async function findFolders(own: string): Promise<StoredItem[]> {
  const items: StoredItem[] = [];
  for (const around of [own, join(own, "http")]) {
    for (const path of await listOwnFolders(around)) {
      const entry: StoredEntry = {
        kind: "folder",
        ...await findUse(path),
        place: path,
        ...describeSize(await measurePath(path)),
      };
      const parents = around === own ? [own] : [around, own];
      const remove = async () => {
        const isRemoved = await removeIfAbandoned(path);
        if (isRemoved) removeEmptyFolders(parents);
        return isRemoved;
      };
      items.push({ entry, remove });
    }
  }
  return items;
}

/** Whether a process uses a folder, which is unknown on a file system without locks. */
async function findUse(path: string): Promise<Pick<StoredEntry, "state" | "problem">> {
  try {
    return { state: await isOwned(path) ? "in use" : "abandoned" };
  } catch (error) {
    const problem = `it is unknown whether its run has ended, ${messageOf(error)}`;
    return { state: "abandoned", problem: `${problem}; remove it when no run uses it` };
  }
}

/** The target of a pipeline. When it cannot be asked once, it is not asked again. */
class AskedTarget {
  #isReachable = true;

  constructor(
    private readonly client: ConnectionClient,
    private readonly plan: PipelinePlan,
    private readonly signal: AbortSignal,
    private readonly problems: string[],
  ) {}

  /** What became of the load of a stage that is in doubt. */
  async outcome(
    { pending }: FoundStage,
    plan: StreamPlan | undefined,
  ): Promise<Pick<StoredEntry, "outcome">> {
    if (pending === undefined || plan === undefined) return {};
    const outcome = await this.#ask(() => askOutcome(pending, plan, this.client));
    return outcome === undefined ? {} : { outcome };
  }

  /** What killed loads left beside the targets. */
  async leftovers(): Promise<StoredItem[]> {
    const items: StoredItem[] = [];
    const asked = new Set<string>();
    for (const plan of this.plan.streams) {
      const { target, stream, pipeline } = plan;
      const path = JSON.stringify(await this.plan.target.targetPath(target));
      if (asked.has(path)) continue;
      asked.add(path);
      const loader = plainClass(plan.loader);
      const found = await this.#ask(() => this.client.call("listLeftovers", { loader, target }));
      for (const { kind, name, bytes, changed, holder, problem } of found ?? []) {
        const entry: StoredEntry = {
          ...{ kind, place: name, pipeline, stream: stream.id },
          ...(holder === undefined ? { state: "abandoned" } : { state: "in use", held_by: holder }),
          ...(bytes === undefined ? {} : { bytes }),
          ...(changed === undefined ? {} : { changed }),
          ...(problem === undefined ? {} : { problem }),
        };
        const remove = (claim: Claim) =>
          this.client.call("removeLeftover", { loader, target, name, claim });
        items.push({ entry, remove });
      }
    }
    return items;
  }

  async #ask<T>(question: () => Promise<T>): Promise<T | undefined> {
    if (!this.#isReachable) return undefined;
    try {
      return await question();
    } catch (error) {
      this.signal.throwIfAborted();
      this.#isReachable = false;
      this.problems.push(`Cannot ask ${this.plan.target.provider.name}: ${messageOf(error)}`);
      return undefined;
    }
  }
}
