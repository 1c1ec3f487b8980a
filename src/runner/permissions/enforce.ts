/** Checks the permissions of a command against limits and process, before anything connects or is written. */
import type { LoadedPipeline, NamedConnection } from "../../config/mod.ts";
import { PermissionError } from "../../core/errors.ts";
import { describeFlags, formatFlag, type Grant, KINDS } from "../../core/permission_errors.ts";
import {
  type Ceiling,
  collectPermissions,
  exceedingGrants,
  formatFlags,
  mergePermissions,
  missingGrants,
  NOTHING,
} from "../../core/permissions.ts";
import type { Permissions, Usage } from "../../core/contracts/provider.ts";
import { realPath } from "../../core/files/real_path.ts";
import { parseSource, type StreamSource } from "../../models/source.ts";
import { isWildcard } from "../../models/wildcard.ts";
import type { Selection } from "../../selector/mod.ts";
import { type Endpoint, resolveEndpoint } from "../plan/endpoint.ts";
import type { HeadOf } from "../inspect/discovery.ts";
import {
  connectionNeeds,
  listingNeeds,
  type Need,
  pipelineNeeds,
  processNeeds,
  type Purpose,
  widenTarget,
} from "./required.ts";
import { planPipeline } from "../plan/pipeline_plan.ts";
import { planSelected } from "../plan/select_plans.ts";

/** The most that a command line or a project allows. */
export interface Limit {
  readonly ceiling: Ceiling;
  /** Where a permission of a kind is added: an option, or a key of a file. */
  place(kind: Grant["kind"]): string;
}

export interface PipelineUse extends Selection {
  readonly purpose: Purpose;
  /** File that the log goes to. */
  readonly logFile?: string;
  /** Folder that the receipt goes to. */
  readonly receipts?: string;
  /** Folder that a fixture goes to. */
  readonly fixture?: string;
  /** What the command line allows. */
  readonly limits: readonly Limit[];
}

/** All that the selected streams of a pipeline need. */
export async function permissionsOfPipeline(
  loaded: LoadedPipeline,
  use: Omit<PipelineUse, "limits">,
): Promise<Permissions> {
  return mergePermissions(...(await listNeeds(loaded, use)).map(({ permissions }) => permissions));
}

async function listNeeds(
  loaded: LoadedPipeline,
  { purpose, logFile, receipts, fixture, ...selection }: Omit<PipelineUse, "limits">,
): Promise<Need[]> {
  const plan = await planSelected(loaded, selection);
  return pipelineNeeds(loaded, plan, plan.streams, purpose, { logFile, receipts, fixture });
}

/**
 * Checks what the selected streams need.
 *
 * @returns whether the source may also be searched for other datasets
 * @throws {PermissionError} that names all that is not allowed, or all that is not granted
 */
export async function admitPipeline(loaded: LoadedPipeline, use: PipelineUse): Promise<boolean> {
  if (isUnlimited(loaded, use.limits)) return true;
  admit(`pipeline "${loaded.pipeline.name}"`, await listNeeds(loaded, use), loaded, use.limits);
  return mayExplore((await planPipeline(loaded)).source, loaded, use.limits);
}

/**
 * As {@linkcode admitPipeline}, to show records of the source, the stage or the target.
 *
 * @returns whether that connection may also list other datasets
 */
export async function admitHead(
  loaded: LoadedPipeline,
  stream: string | undefined,
  of: HeadOf,
  limits: readonly Limit[],
): Promise<boolean> {
  if (isUnlimited(loaded, limits)) return true;
  const { source, target, streams } = await planPipeline(loaded);
  const named = streams.filter((plan) =>
    stream === undefined ? streams.length === 1 : plan.stream.id === stream
  );
  // Any other id may belong to a wildcard.
  const shown = named.length > 0 ? named : streams.filter((plan) => isWildcard(plan.stream));
  const needs = shown.map((plan): Need => ({
    subject: `stream "${plan.stream.id}"`,
    permissions: of === "stage"
      ? {
        ...NOTHING,
        read: [isWildcard(plan.stream) ? plan.stageParents[0]! : plan.stageDirectory],
      }
      : mergePermissions(
        listingNeeds(source, plan),
        of === "source"
          ? connectionNeeds(source, { reads: [plan.source] })
          : connectionNeeds(target, { reads: [widenTarget(plan.target) as StreamSource] }),
      ),
    limited: true,
  }));
  admit(`the ${of}`, [...processNeeds(loaded), ...needs], loaded, limits);
  return mayExplore(of === "target" ? target : source, loaded, limits);
}

/**
 * As {@linkcode admitPipeline}, for a connection that the command line names.
 *
 * @returns whether it may also be searched for other datasets
 */
export async function admitConnection(
  connection: NamedConnection,
  stream: string | undefined,
  limits: readonly Limit[],
): Promise<boolean> {
  if (isUnlimited(connection, limits)) return true;
  const endpoint = await resolveEndpoint(connection, connection.spec);
  const dataset = stream ?? connection.dataset;
  const usage: Partial<Usage> = dataset === undefined
    ? { explores: true }
    : { reads: [parseSource(endpoint.provider.category, dataset)] };
  const need: Need = {
    subject: `connection "${connection.name}"`,
    permissions: connectionNeeds(endpoint, usage),
    limited: true,
  };
  admit(`connection "${connection.name}"`, [...processNeeds(connection), need], connection, limits);
  return mayExplore(endpoint, connection, limits);
}

/** Permission to read one dataset does not include listing others. */
function mayExplore(endpoint: Endpoint, { ceiling }: Loaded, limits: readonly Limit[]): boolean {
  const permissions = connectionNeeds(endpoint, { explores: true });
  return [...limits.map((limit) => limit.ceiling), ...(ceiling === undefined ? [] : [ceiling])]
    .every((most) => exceedingGrants(most, permissions).length === 0) &&
    missingGrants(permissions).length === 0;
}

/** As {@linkcode admitPipeline}, to list the stages in a folder, or also to remove them. */
export function admitFolder(folder: string, removes: boolean, limits: readonly Limit[]): void {
  const loaded: Loaded = { files: [] };
  if (isUnlimited(loaded, limits)) return;
  const permissions = { ...NOTHING, read: [folder], write: removes ? [folder] : [] };
  const need: Need = { subject: "its stages", permissions, limited: true };
  admit(`folder "${folder}"`, [...processNeeds(loaded), need], loaded, limits);
}

type Loaded = Pick<LoadedPipeline, "ceiling" | "files">;

/** No limit is set, and the process has every permission. */
function isUnlimited({ ceiling }: Loaded, limits: readonly Limit[]): boolean {
  return ceiling === undefined && limits.length === 0 &&
    KINDS.every((name) => Deno.permissions.querySync({ name }).state === "granted");
}

function admit(
  what: string,
  needs: readonly Need[],
  { ceiling }: Loaded,
  limits: readonly Limit[],
): void {
  const project: Limit[] = ceiling === undefined
    ? []
    : [{ ceiling, place: (kind) => `permissions.${kind} in dxt_project.yaml` }];
  const refused = [...limits, ...project].flatMap((limit) => refusals(needs, limit));
  if (refused.length > 0) {
    throw new PermissionError(
      `Cannot use ${what}: it needs more than is allowed\n${refused.join("\n")}`,
    );
  }
  const missing = missingGrants(mergePermissions(...needs.map(({ permissions }) => permissions)));
  if (missing.length === 0) return;
  const flags = formatFlags(collectPermissions(missing));
  throw new PermissionError(
    `Cannot use ${what}: it needs permissions that dxt does not have, ${describeFlags(flags)}`,
  );
}

/** A line for each grant that a limit lacks, with all that need it. */
function refusals(needs: readonly Need[], { ceiling, place }: Limit): string[] {
  const lacking = new Map<string, { grant: Grant; subjects: string[] }>();
  for (const { subject, permissions } of needs.filter(({ limited }) => limited)) {
    for (const grant of exceedingGrants(ceiling, permissions)) {
      const found = lacking.get(formatFlag(grant)) ?? { grant, subjects: [] };
      found.subjects.push(subject);
      lacking.set(formatFlag(grant), found);
    }
  }
  return [...lacking.values()].map(({ grant: { kind, value }, subjects }) =>
    `  ${VERBS[kind]} ${described(kind, value)} for ${listed(subjects)}: add it to ${place(kind)}`
  );
}

/** A path by its own name, and by the one that it was compared by. */
function described(kind: Grant["kind"], value: string): string {
  const isPath = kind === "read" || kind === "write" || kind === "ffi";
  const real = isPath ? realPath(value) : value;
  return real === value ? `"${value}"` : `"${value}", which is "${real}"`;
}

const VERBS: Readonly<Record<Grant["kind"], string>> = {
  net: "connect to",
  read: "read",
  write: "write",
  env: "read variable",
  ffi: "load library",
  sys: "read system fact",
};

const MOST_LISTED = 3;

function listed(subjects: readonly string[]): string {
  const shown = subjects.slice(0, MOST_LISTED).join(", ");
  return subjects.length > MOST_LISTED
    ? `${shown} and ${subjects.length - MOST_LISTED} more`
    : shown;
}
