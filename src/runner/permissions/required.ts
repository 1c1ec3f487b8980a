/** The permissions that a planned pipeline needs, each with the part of the run that needs it. */
import type { LoadedPipeline } from "../../config/mod.ts";
import { dirname, resolve } from "node:path";
import { mergePermissions, NOTHING, withRealPaths } from "../../core/permissions.ts";
import type { Permissions, Usage } from "../../core/contracts/provider.ts";
import { missingFolder } from "../../core/files/write_access.ts";
import type { StreamTarget } from "../../models/source.ts";
import { beforePlaceholder, isWildcard } from "../../models/wildcard.ts";
import { ownPermissions } from "../../sandbox/permissions.ts";
import type { ExternalCode } from "../../sandbox/modules/mod.ts";
import { codeNeeds } from "../plan/external_modules.ts";
import type { Endpoint } from "../plan/endpoint.ts";
import { keepsLetters } from "../plan/load_settings.ts";
import type { Phase } from "../contract/events.ts";
import type { PipelinePlan, StreamPlan } from "../plan/pipeline_plan.ts";

/** What a command does with a pipeline: it moves data, looks at both connections, at the source alone, or at what runs left. */
export type Purpose = Phase | "look" | "record" | "recover";

/** Permissions of the two workers of a stream. */
export interface StreamNeeds {
  /** Reads the source, writes the stage. */
  readonly source: Permissions;
  /** Reads the stage, writes the target. */
  readonly target: Permissions;
}

/** What one part of a run needs. */
export interface Need {
  /** As a message names it, for example `stream "orders"`. */
  readonly subject: string;
  readonly permissions: Permissions;
  /** Whether a ceiling holds for it: not for the files that say what the pipeline is. */
  readonly limited: boolean;
}

/** The least that a connection needs when it is used so. */
export function connectionNeeds(
  { needs, baseDirectory }: Endpoint,
  usage: Partial<Omit<Usage, "baseDirectory">>,
): Permissions {
  return withRealPaths(needs({ baseDirectory, reads: [], writes: [], ...usage }));
}

export function streamNeeds(
  { source, target }: Pick<PipelinePlan, "source" | "target">,
  stream: StreamPlan,
): StreamNeeds {
  const staged = stream.buffer.format === "memory" ? [] : [stream.stageDirectory];
  return {
    source: mergePermissions(
      connectionNeeds(source, { reads: [stream.source] }),
      { ...NOTHING, write: staged },
    ),
    target: mergePermissions(
      connectionNeeds(target, { writes: [stream.target] }),
      { ...NOTHING, read: staged },
    ),
  };
}

/**
 * The union of the streams' needs, for workers without untrusted code. One worker can then serve one stream
 * after another: starting a worker takes longer than moving a small table.
 */
export function sharedNeeds(plan: PipelinePlan): StreamNeeds {
  const needs = plan.streams.map((stream) => streamNeeds(plan, stream));
  return {
    source: mergePermissions(...needs.map(({ source }) => source)),
    target: mergePermissions(...needs.map(({ target }) => target)),
  };
}

/** What the process itself writes about a run. */
export interface WrittenRecords {
  /** File that the log goes to. */
  readonly logFile?: string | undefined;
  /** Folder that the receipt goes to. */
  readonly receipts?: string | undefined;
  /** Folder that a fixture goes to. */
  readonly fixture?: string | undefined;
}

/** What these streams need together with the process that runs them. */
export function pipelineNeeds(
  loaded: LoadedPipeline,
  plan: PipelinePlan,
  streams: readonly StreamPlan[],
  purpose: Purpose,
  { logFile, receipts, fixture }: WrittenRecords = {},
): Need[] {
  const limited = (subject: string, permissions: Permissions): Need => ({
    subject,
    permissions,
    limited: true,
  });
  return [
    ...processNeeds(loaded),
    {
      subject: "external modules",
      permissions: codeNeeds(loaded, listCode(plan)),
      limited: false,
    },
    limited("the pipeline", { ...NOTHING, env: loaded.environment }),
    ...(logFile === undefined ? [] : [limited("the log", logNeeds(logFile))]),
    ...(receipts === undefined ? [] : [limited("the receipt", folderNeeds(receipts))]),
    ...(fixture === undefined ? [] : [limited("the fixture", folderNeeds(fixture))]),
    ...streams.map((stream) =>
      limited(`stream "${stream.stream.id}"`, purposeNeeds(plan, stream, purpose))
    ),
  ];
}

function listCode({ source, target, streams }: PipelinePlan): ExternalCode[] {
  const classes = streams.flatMap(({ extractor, loader, transforms }) => [
    extractor,
    loader,
    ...transforms,
  ]);
  return [source, target, ...classes].flatMap(({ code }) => code === undefined ? [] : [code]);
}

/** What dxt reads before it knows the limits. */
export function processNeeds({ files }: Pick<LoadedPipeline, "files">): Need[] {
  return [
    { subject: "the pipeline's files", permissions: { ...NOTHING, read: files }, limited: false },
    { subject: "dxt itself", permissions: ownPermissions(), limited: false },
  ];
}

function logNeeds(file: string): Permissions {
  const path = resolve(file);
  const missing = missingFolder(dirname(path));
  return { ...NOTHING, write: [path, ...(missing === undefined ? [] : [missing])] };
}

function folderNeeds(folder: string): Permissions {
  const path = resolve(folder);
  // A rename reads the old name.
  return { ...NOTHING, read: [path], write: [missingFolder(path) ?? path] };
}

function purposeNeeds(plan: PipelinePlan, stream: StreamPlan, purpose: Purpose): Permissions {
  const lists = listingNeeds(plan.source, stream);
  const reads = () =>
    mergePermissions(lists, connectionNeeds(plan.source, { reads: [stream.source] }));
  const writes = () => connectionNeeds(plan.target, { writes: [widenTarget(stream.target)] });
  switch (purpose) {
    case "run":
      return mergePermissions(reads(), writes(), stageNeeds(stream));
    case "extract":
      // The target has the watermark, and the types of fields that the source leaves untyped.
      return mergePermissions(reads(), readOnly(writes()), stageNeeds(stream));
    case "load":
      return mergePermissions(writes(), stageNeeds(stream));
    case "look":
      return mergePermissions(reads(), writes());
    case "record":
      return reads();
    case "recover":
      return mergePermissions(lists, writes(), stageNeeds(stream), letterNeeds(stream));
  }
}

/** What a wildcard needs to list the tables of its source; nothing for any other stream. */
export function listingNeeds(source: Endpoint, { stream }: StreamPlan): Permissions {
  return isWildcard(stream) ? connectionNeeds(source, { explores: true }) : NOTHING;
}

/** A target that covers those of a wildcard's streams: for a file named by its table, the folder. */
export function widenTarget(target: StreamTarget): StreamTarget {
  if (target.type !== "file" && target.type !== "directory") return target;
  const fixed = beforePlaceholder(target.path);
  if (fixed === target.path) return target;
  const folder = fixed.replace(/[^/\\]*$/, "");
  return { type: "directory", path: folder === "" ? "." : folder };
}

/** The stage, with the folders around it that go when they are empty, and the dead letters of a load. */
function stageNeeds(stream: StreamPlan): Permissions {
  const { buffer, stageDirectory, stageParents } = stream;
  const letters = keepsLetters(stream.stream) ? letterNeeds(stream) : NOTHING;
  if (buffer.format === "memory") return letters;
  const folder = stageParents.at(-1) ?? stageDirectory;
  return mergePermissions({ ...NOTHING, read: [folder], write: [folder] }, letters);
}

function letterNeeds({ letters: { folder, own = folder } }: StreamPlan): Permissions {
  return { ...NOTHING, read: [own], write: [missingFolder(own) ?? own] };
}

function readOnly(permissions: Permissions): Permissions {
  return { ...permissions, write: [] };
}
