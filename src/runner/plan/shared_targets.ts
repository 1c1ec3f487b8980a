/**
 * Streams of one pipeline that write into one target. A stream that replaces the target comes first,
 * and is the only one to replace it: another one would delete rows of the same run. An incremental
 * stream goes on from its own rows alone: the highest watermark of another stream would hide new rows.
 */
import { type LoadedPipeline, LocatedError } from "../../config/mod.ts";
import { ConfigurationError } from "../../core/errors.ts";
import type { OwnRows } from "../../core/contracts/loader.ts";
import type { FieldDeclaration } from "../../models/field.ts";
import { isWildcard } from "../../models/wildcard.ts";
import type { Endpoint } from "./endpoint.ts";
import { targetName } from "./field_declarations.ts";
import type { StreamPlan } from "./pipeline_plan.ts";

/** A stream whose target holds another stream's target, or is the same. */
interface Overlap {
  readonly outer: number;
  readonly inner: number;
  readonly same: boolean;
}

/**
 * The same plans, each with the streams that share its target and the rows that are its own.
 *
 * @throws {LocatedError} with both places in the file, for streams that would lose rows
 */
export async function planSharedTargets(
  loaded: LoadedPipeline,
  target: Pick<Endpoint, "targetPath">,
  plans: readonly StreamPlan[],
): Promise<StreamPlan[]> {
  const paths = plans.length < 2
    ? []
    // The targets of a wildcard are unknown until a run has asked the source.
    : await Promise.all(
      plans.map((plan) => isWildcard(plan.stream) ? [] : target.targetPath(plan.target)),
    );
  const overlaps = findOverlaps(paths);
  const sharing = new Set(overlaps.map(({ outer }) => outer));
  for (const { outer, inner, same } of overlaps) if (same) sharing.add(inner).add(outer);
  const planned = plans.map((plan, i) => ({
    ...plan,
    ...findOwnRows(plan, sharing.has(i)),
    sharedWith: overlaps.flatMap(({ outer, inner, same }) =>
      outer === i ? [plans[inner]!.stream.id] : inner === i && same ? [plans[outer]!.stream.id] : []
    ),
  }));
  planned.forEach((plan, i) => checkOwnRows(loaded, plan, i));
  for (const overlap of overlaps) {
    checkReplace(loaded, planned, overlap);
    checkWatermarks(loaded, planned, overlap);
  }
  return planned;
}

/** Pairs of targets, the outer one first; of the same target, the earlier stream is the outer. */
function findOverlaps(paths: readonly (readonly string[])[]): Overlap[] {
  const formatKey = (path: readonly string[]) => JSON.stringify(path);
  const byPath = new Map<string, number[]>();
  for (const [i, path] of paths.entries()) {
    const key = formatKey(path);
    byPath.set(key, [...byPath.get(key) ?? [], i]);
  }
  return paths.flatMap((path, inner) =>
    path.flatMap((_, last) =>
      (byPath.get(formatKey(path.slice(0, last + 1))) ?? []).flatMap((outer) => {
        const same = last === path.length - 1;
        return same && outer >= inner ? [] : [{ outer, inner, same }];
      })
    )
  );
}

function checkReplace(
  loaded: LoadedPipeline,
  plans: readonly StreamPlan[],
  { outer, inner, same }: Overlap,
): void {
  const [first, second] = [plans[outer]!, plans[inner]!];
  // What the first stream deletes is what the second has loaded in an earlier run.
  const isFirst = same
    ? first.stream.load?.deletes !== undefined && replacesRows(first, second)
    : first.mode === "replace";
  if (!isFirst && !(same && replacesRows(second, first))) return;
  const [replacing, other] = isFirst ? [outer, inner] : [inner, outer];
  const [id, otherId] = [plans[replacing]!.stream.id, plans[other]!.stream.id];
  const whose = same ? `the target of stream "${otherId}"` : `what stream "${otherId}" loads`;
  const isReplace = plans[replacing]!.mode === "replace";
  const doing = isReplace ? "Cannot replace the target" : "Cannot delete rows from the target";
  const canGoFirst = same && isReplace && first.mode !== "replace";
  refuse(loaded, [replacing, other], [
    `${doing} of stream "${id}": it is ${
      same ? whose : `a folder with ${whose} in it`
    }, whose rows would be lost; give each stream a target of its own${
      canGoFirst ? ", or put the stream that replaces first" : ""
    }`,
    `stream "${otherId}" writes into it here`,
  ]);
}

/** Whether a stream replaces rows of another one; conditions that differ are believed to be apart. */
function replacesRows({ mode, stream }: StreamPlan, other: StreamPlan): boolean {
  const { where, deletes } = stream.load ?? {};
  return (mode === "replace" || deletes !== undefined) &&
    (where === undefined || where === other.stream.load?.where);
}

function checkWatermarks(
  loaded: LoadedPipeline,
  plans: readonly StreamPlan[],
  { outer, inner, same }: Overlap,
): void {
  for (
    const [i, other] of [[outer, inner], ...same ? [[inner, outer]] : []] as [number, number][]
  ) {
    const [plan, second] = [plans[i]!, plans[other]!];
    if (plan.stream.extract?.mode !== "incremental") continue;
    if (plan.ownRows !== undefined && areApart(plan.ownRows, second.ownRows)) continue;
    const [id, otherId] = [plan.stream.id, second.stream.id];
    const why = plan.ownRows === undefined
      ? `its rows cannot be told from those of stream "${otherId}", which fills the same target`
      : `the rows of stream "${otherId}" may have the same marks`;
    refuse(loaded, [i, other], [
      `Cannot find the watermark of stream "${id}": ${why}, and the highest value of one stream hides new rows of the other; set extract.watermark_where to what marks its rows, such as { region: eu }, or give each stream a constant field, such as { id: region, constant: eu }`,
      `stream "${otherId}" writes into it here`,
    ]);
  }
}

/** Conditions in the target's language are believed to be apart, unless they are the same. */
function areApart(one: OwnRows, other: OwnRows | undefined): boolean {
  if (other === undefined) return true;
  if ("values" in one && "values" in other) {
    return Object.entries(one.values).some(([name, value]) =>
      Object.hasOwn(other.values, name) && String(other.values[name]) !== String(value)
    );
  }
  return !("condition" in one && "condition" in other && one.condition === other.condition);
}

/** What marks a stream's rows: its condition, or its constant fields where others fill its target. */
function findOwnRows({ stream }: StreamPlan, isShared: boolean): { readonly ownRows?: OwnRows } {
  const where = stream.extract?.watermark_where ?? stream.load?.where;
  if (typeof where === "string") return { ownRows: { condition: where } };
  const marks = where === undefined && isShared ? listConstants(stream.fields ?? []) : where ?? {};
  const values = Object.entries(marks).map(([id, value]) => [targetName(stream, id), value]);
  return values.length === 0 ? {} : { ownRows: { values: Object.fromEntries(values) } };
}

/** Values that are the same in each record, by field id: constants, and expressions that are one. */
function listConstants(fields: readonly FieldDeclaration[]) {
  return Object.fromEntries(fields.flatMap((field) => {
    const value = field.constant ?? readLiteral(field);
    return value === undefined ? [] : [[field.id, value]];
  }));
}

/** The value of an expression that is a literal of SQL: `'eu'` or `7`. */
function readLiteral({ source }: FieldDeclaration): string | number | undefined {
  const expression = typeof source === "object" ? source.expression?.trim() : undefined;
  if (expression === undefined) return undefined;
  if (/^'(?:[^'\\]|'')*'$/.test(expression)) return expression.slice(1, -1).replaceAll("''", "'");
  const number = /^-?\d{1,15}$/.test(expression) ? Number(expression) : undefined;
  return number;
}

function checkOwnRows(loaded: LoadedPipeline, { loader, stream, ownRows }: StreamPlan, i: number) {
  if (ownRows === undefined || stream.extract?.mode !== "incremental") return;
  const kind = "condition" in ownRows ? "condition" : "values";
  const known = loader.ownRows ?? [];
  if (known.includes(kind)) return;
  const wanted = known.includes("values")
    ? "expected fields and their values, such as { region: eu }"
    : "its loader takes the watermark from all rows of the target, expected a target of its own";
  throw loaded.errorAt(
    ["streams", i, "extract", "watermark_where"],
    `Cannot tell the rows of stream "${stream.id}" by ${
      kind === "condition" ? `"${(ownRows as { condition: string }).condition}"` : "their values"
    }: ${wanted}`,
  );
}

/** Throws with the places of both streams. */
function refuse(
  loaded: LoadedPipeline,
  streams: readonly [number, number],
  messages: readonly [string, string],
): never {
  const issues = streams.flatMap((stream, i) => {
    const error = loaded.errorAt(["streams", stream, "target"], messages[i]!);
    return error instanceof LocatedError ? error.issues : [];
  });
  throw new LocatedError(issues);
}

/**
 * A full refresh replaces the target, and what other streams have loaded into it.
 *
 * @throws {ConfigurationError} for a stream that shares its target
 */
export function checkFullRefresh(
  plans: readonly StreamPlan[],
  { fullRefresh }: { readonly fullRefresh?: boolean },
): void {
  if (fullRefresh !== true) return;
  for (const { stream, mode, loader, sharedWith } of plans) {
    const isReplaced = mode !== "replace" && mode !== "scd2" && "replace" in loader.modes;
    if (sharedWith.length === 0 || !isReplaced) continue;
    const others = sharedWith.map((id) => `"${id}"`).join(", ");
    throw new ConfigurationError(
      `Cannot refresh stream "${stream.id}": its target would be replaced, and stream ${others} has rows in it; delete the stream's own rows in the target and run it without --full-refresh`,
    );
  }
}
