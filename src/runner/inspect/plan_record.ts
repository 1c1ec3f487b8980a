/** Records of plans: what a plan was made from and what it says, and what differs from it later. */
import { createHmac } from "node:crypto";
import { maskSecrets, SECRET_KEY, StalePlanError } from "../../core/errors.ts";
import { sortMembers } from "../../core/values/sorted_json.ts";
import type { PlannedStream, PlanRecord, SettingDigests } from "../../models/plan.ts";
import type { Endpoint } from "../plan/endpoint.ts";
import type { StreamPlan } from "../plan/pipeline_plan.ts";
import type { Preview } from "./preview.ts";

/**
 * Records a preview, so that {@linkcode refuseChanges} can tell later what changed since.
 *
 * @param salt of the digests; two records are comparable if they have the same
 */
export function recordPlan({ plan, result }: Preview, salt: string): PlanRecord {
  const digests = new SettingDigester(salt);
  const streams = plan.streams.map((one) => [one.stream.id, digests.ofStream(one)]);
  return {
    salt,
    settings: {
      source: digests.ofEndpoint(plan.source),
      target: digests.ofEndpoint(plan.target),
      streams: Object.fromEntries(streams),
    },
    result,
  };
}

/** Digests settings. The salt keeps short values from being found by digests of guesses made in advance. */
class SettingDigester {
  constructor(private readonly salt: string) {}

  ofEndpoint({ module, config, code }: Endpoint): SettingDigests {
    return this.#digestSettings({ ...toObject(config), provider: module, code });
  }

  ofStream(plan: StreamPlan): SettingDigests {
    const { stream, source, target, extractor, loader, transforms, buffer } = plan;
    const [from, to, ...steps] = [extractor, loader, ...transforms].map(
      ({ name, module, options, code }) => ({ name, module, options, code }),
    );
    const chosen = { extractor: from, loader: to, transforms: steps };
    return this.#digestSettings({ ...stream, source, target, ...chosen, buffer });
  }

  /** Passwords are left out: a new password leads to the same system. */
  #digestSettings(settings: object): SettingDigests {
    const shown = Object.entries(settings).filter(([key, value]) =>
      value !== undefined && !SECRET_KEY.test(key)
    );
    return Object.fromEntries(shown.map(([key, value]) => [key, this.#digest(value)]));
  }

  #digest(value: unknown): string {
    const text = JSON.stringify(value, (key, inner) => {
      if (SECRET_KEY.test(key)) return undefined;
      return typeof inner === "bigint" ? String(inner) : sortMembers(key, inner);
    });
    return createHmac("sha256", this.salt).update(maskSecrets(text)).digest("hex").slice(0, 16);
  }
}

function toObject(config: unknown): object {
  return typeof config === "object" && config !== null ? config : { config };
}

/**
 * Refuses a run that would not do what the recorded plan says. Numbers of rows to read are not
 * compared: a source changes all the time.
 *
 * @param path of the saved plan
 * @throws {StalePlanError} that lists what changed
 */
export function refuseChanges(path: string, saved: PlanRecord, now: PlanRecord): void {
  const changes = [
    ...findSettingChanges("source", saved.settings.source, now.settings.source),
    ...findSettingChanges("target", saved.settings.target, now.settings.target),
    ...findStreamChanges(saved, now),
  ];
  if (changes.length === 0) return;
  const list = changes.map((change) => `\n  ${change}`).join("");
  throw new StalePlanError(
    `Cannot run plan "${path}": a run would no longer do the same; make a new plan${list}`,
  );
}

function findSettingChanges(what: string, saved: SettingDigests, now: SettingDigests): string[] {
  const keys = [...new Set([...Object.keys(saved), ...Object.keys(now)])];
  const changed = keys.filter((key) => saved[key] !== now[key]).map((key) => `"${key}"`);
  return changed.length === 0 ? [] : [`${what}: changed settings ${changed.join(", ")}`];
}

function findStreamChanges(saved: PlanRecord, now: PlanRecord): string[] {
  const streams = new Map(now.result.streams.map((stream) => [stream.stream, stream]));
  const changes = saved.result.streams.flatMap((before) => {
    const name = `stream "${before.stream}"`;
    const after = streams.get(before.stream);
    streams.delete(before.stream);
    if (after === undefined) return [`${name}: it is gone`];
    const settings = [saved, now].map((record) => record.settings.streams[before.stream] ?? {});
    return [
      ...findSettingChanges(name, settings[0]!, settings[1]!),
      ...findPlanChanges(before, after).map((change) => `${name}: ${change}`),
    ];
  });
  return [...changes, ...[...streams.keys()].map((id) => `stream "${id}": it is new`)];
}

function findPlanChanges(before: PlannedStream, after: PlannedStream): string[] {
  if (after.status !== "ready") return after.problems;
  return [
    ...findValueChanges("extract", before.extract, after.extract),
    ...findValueChanges("target", { exists: before.target.exists }, {
      exists: after.target.exists,
    }),
    ...findValueChanges("load", before.load, after.load),
    ...findValueChanges("field", indexFields(before), indexFields(after)),
    ...findListChanges(["also runs", "no longer runs"], before.statements, after.statements),
    ...findListChanges(["new loss", "no longer a loss"], before.destructive, after.destructive),
  ];
}

const indexFields = ({ fields }: PlannedStream) =>
  Object.fromEntries(fields.map((field) => [field.name, field]));

/** What differs between two JSON values, each time with the keys that lead to it. */
function findValueChanges(path: string, before: unknown, after: unknown): string[] {
  if (isMap(before) && isMap(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return keys.flatMap((key) => findValueChanges(`${path}.${key}`, before[key], after[key]));
  }
  const [was, is] = [before, after].map((value) => JSON.stringify(value));
  if (was === is) return [];
  if (was === undefined) return isMap(after) ? [`${path} is new`] : [`${path} is ${is}, was unset`];
  if (is === undefined) {
    return isMap(before) ? [`${path} is gone`] : [`${path} is unset, was ${was}`];
  }
  return [`${path} is ${is}, was ${was}`];
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The order of statements counts, estimated numbers of rows do not. */
function findListChanges(
  [addition, omission]: readonly [string, string],
  before: readonly string[],
  after: readonly string[],
): string[] {
  const comparable = (text: string) => text.replace(/\babout \d+ rows/, "about … rows");
  const [was, is] = [before.map(comparable), after.map(comparable)];
  const added = after.filter((_, i) => !was.includes(is[i]!));
  const gone = before.filter((_, i) => !is.includes(was[i]!));
  if (added.length + gone.length === 0 && was.join("\n") !== is.join("\n")) {
    return [`${addition} in another order: ${after.join("; ")}`];
  }
  return [
    ...added.map((text) => `${addition}: ${text}`),
    ...gone.map((text) => `${omission}: ${text}`),
  ];
}
