/** Checks that a fixture still has what the pipeline reads. */
import { typeText } from "../../core/values/conversion.ts";
import { suggestWord } from "../../core/did_you_mean.ts";
import { ConfigurationError } from "../../core/errors.ts";
import { listNames } from "../../core/suggest_stream.ts";
import { sortMembers } from "../../core/values/sorted_json.ts";
import type { FieldDeclaration } from "../../models/field.ts";
import type { Fixture, FixtureStream } from "../record/fixture.ts";
import { typeField } from "../plan/declared_types.ts";
import {
  declaredType,
  getExpression,
  isGenerated,
  nameInSource,
} from "../plan/field_declarations.ts";
import { describeWritten } from "../record/written_source.ts";
import type { ReplayedStream } from "./replay_pipeline.ts";

/** Names of both sides in messages. */
export interface FitNames {
  readonly pipeline: string;
  readonly folder: string;
}

/** @throws {ConfigurationError} that lists, stream by stream, what fixture and pipeline have */
export function checkFit(
  replayed: readonly ReplayedStream[],
  fixture: Fixture,
  sources: ReadonlyMap<string, unknown>,
  { pipeline, folder }: FitNames,
): void {
  const problems = replayed.flatMap(({ stream, recorded }) => {
    if (recorded === undefined) {
      const names = fixture.streams.map((one) => one.stream);
      const near = suggestWord(stream.id, names);
      return [
        `stream "${stream.id}": the fixture does not have it, it has ${listNames(names)}${near}`,
      ];
    }
    const origin = recorded.wildcard ?? recorded.stream;
    return [
      ...describeSource(recorded, sources.get(origin)),
      ...(stream.fields ?? []).flatMap((field) => describeField(field, recorded)),
    ].map((problem) => `stream "${stream.id}": ${problem}`);
  });
  if (problems.length === 0) return;
  throw new ConfigurationError(
    `Cannot replay "${pipeline}" on "${folder}": the fixture does not fit the pipeline any more, dxt record writes it anew${
      problems.map((problem) => `\n  ${problem}`).join("")
    }`,
  );
}

function describeSource({ source }: FixtureStream, now: unknown): string[] {
  const [then, today] = [source, describeWritten(now)].map((one) =>
    JSON.stringify(one, sortMembers)
  );
  if (then === today) return [];
  return [`its rows come from ${then}, the pipeline reads ${today}`];
}

function describeField(declared: FieldDeclaration, { columns }: FixtureStream): string[] {
  if (isGenerated(declared) || declared.exclude === true) return [];
  const expression = getExpression(declared);
  const wanted = nameInSource(declared);
  const column = columns.find((one) =>
    expression === undefined
      ? one.expression === undefined && one.field.name === wanted
      : one.expression === expression
  );
  if (column === undefined && expression !== undefined) {
    const known = columns.flatMap((one) => one.expression ?? []);
    return [
      `field "${declared.id}" is the expression "${expression}" in the pipeline, the fixture has the values of ${
        listNames(known)
      }`,
    ];
  }
  if (column === undefined) {
    const known = columns.flatMap((one) => one.expression === undefined ? [one.field.name] : []);
    return [
      `the pipeline reads column "${wanted}", the fixture has ${listNames(known)}${
        suggestWord(wanted, known)
      }`,
    ];
  }
  if (declaredType(declared).dtype === undefined) return [];
  const [then, now] = [column.field, typeField(declared, column.field)].map(typeText);
  return then === now
    ? []
    : [`field "${declared.id}" is ${now} in the pipeline, ${then} in the fixture`];
}
