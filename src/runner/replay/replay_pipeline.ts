/** A pipeline whose streams read a fixture and write into a folder; all other settings are its own. */
import { join } from "node:path";
import type { LoadedPipeline, StandIns } from "../../config/mod.ts";
import type { FieldDeclaration } from "../../models/field.ts";
import type { Fixture, FixtureStream } from "../record/fixture.ts";
import { parseTarget, type StreamTarget } from "../../models/source.ts";
import type { ClassChoice, Expectations, Stream } from "../../models/stream.ts";
import { isWildcard } from "../../models/wildcard.ts";
import { isExternal, parseClassPath } from "../../providers/resolve.ts";
import { makeTableStream } from "../inspect/wildcards.ts";
import { datasetName } from "../plan/dataset_name.ts";
import { getExpression } from "../plan/field_declarations.ts";

/** Where a replay reads and writes. */
export interface ReplayPlaces {
  /** Absolute folder of the fixture. */
  readonly fixture: string;
  /** Absolute folder of the target, the stage and dead letters. */
  readonly work: string;
}

/** Returns the embedded connections: files for a target of files, else a SQLite database. */
export function chooseStandIns(
  { target: { category } }: Pick<Fixture, "target">,
  { fixture, work }: ReplayPlaces,
): StandIns {
  return {
    source: { provider: "local", path: fixture },
    target: category === "filestore"
      ? { provider: "local", path: join(work, "target") }
      : { provider: "sqlite", path: join(work, "target.db") },
  };
}

/** A stream of the pipeline, and the rows that stand for its source. */
export interface ReplayedStream {
  readonly stream: Stream;
  /** Its index in the pipeline file. */
  readonly index: number;
  /** Undefined where the fixture lacks it. */
  readonly recorded: FixtureStream | undefined;
}

/** The streams of a pipeline with those of its fixture; a wildcard becomes a stream for each recorded table. */
export function matchStreams(
  { pipeline }: LoadedPipeline,
  { streams, target }: Fixture,
): ReplayedStream[] {
  return pipeline.streams.flatMap((stream, index): ReplayedStream[] => {
    const made = streams.filter(({ wildcard }) => wildcard === stream.id);
    if (!isWildcard(stream) || made.length === 0) {
      return [{ stream, index, recorded: streams.find((one) => one.stream === stream.id) }];
    }
    return made.map((recorded) => {
      const table = recorded.table!;
      return { stream: makeTableStream(stream, table.source, table, target), index, recorded };
    });
  });
}

/**
 * Builds the pipeline of a replay.
 *
 * @param loaded read with the connections that {@linkcode chooseStandIns} returns
 * @param replayed each with its rows
 */
export function buildReplay(
  loaded: LoadedPipeline,
  replayed: readonly ReplayedStream[],
  fixture: Fixture,
  { work }: ReplayPlaces,
): LoadedPipeline {
  const { pipeline, ceiling: _ceiling, logging: _logging, ...rest } = loaded;
  const streams = replayed.map(({ stream, recorded }) =>
    replaceSourceAndTarget(stream, recorded!, fixture, loaded.target.provider, work)
  );
  return {
    ...rest,
    pipeline: {
      ...pipeline,
      buffer: { ...pipeline.buffer, location: join(work, "stage") },
      streams,
    },
    errorAt: ([first, at, ...path], message) => {
      const index = first === "streams" && typeof at === "number" ? replayed[at]!.index : at;
      return loaded.errorAt([first!, ...(index === undefined ? [] : [index]), ...path], message);
    },
  };
}

function replaceSourceAndTarget(
  stream: Stream,
  recorded: FixtureStream,
  { target }: Fixture,
  provider: string,
  work: string,
): Stream {
  const { id, extractor: _extractor, loader, fields = [], extract, expect, ...rest } = stream;
  const { partition: _partition, ...extracting } = extract ?? {};
  const isSame = target.provider === provider;
  const declared = fields.map((field) => replaceSource(field, recorded, isSame));
  const unused = recorded.columns.filter(({ expression }) =>
    expression !== undefined && fields.every((field) => getExpression(field) !== expression)
  ).map(({ field }): FieldDeclaration => ({ id: field.name, exclude: true }));
  const all = [...declared, ...unused];
  const written = stream.target ?? id;
  const dataset = typeof written === "string" ? parseTarget(target.category, written) : written;
  return {
    ...rest,
    id,
    source: { type: "file", path: recorded.file, format: "parquet" },
    target: provider === "sqlite" && !isSame ? nameTable(dataset) : placeTarget(dataset),
    ...(all.length === 0 ? {} : { fields: all }),
    ...(extract === undefined ? {} : { extract: extracting }),
    ...(expect === undefined ? {} : { expect: relaxBounds(expect, recorded) }),
    ...(stream.error_handling === undefined ? {} : {
      error_handling: { ...stream.error_handling, dead_letters: join(work, "dead_letters") },
    }),
    ...(isSame && loader !== undefined && isBuiltIn(loader) ? { loader } : {}),
  };
}

/** Reads the recorded values of an expression, and drops native types that the stand-in does not have. */
function replaceSource(
  field: FieldDeclaration,
  { columns }: FixtureStream,
  keepsType: boolean,
): FieldDeclaration {
  const { source, target } = field;
  const computed = getExpression(field);
  const column = columns.find(({ expression }) => expression === computed)?.field.name;
  return {
    ...field,
    ...(computed === undefined || typeof source !== "object" ? {} : {
      source: { ...source, expression: undefined, name: column },
    }),
    ...(keepsType || typeof target !== "object" ? {} : { target: { ...target, dtype: undefined } }),
  };
}

/** Names a SQLite table by schema and table of the target, since SQLite has no schemas. */
function nameTable(target: StreamTarget): StreamTarget {
  return { type: "relation", schema: "main", name: datasetName(target) };
}

/** A path within the stand-in's folder, wherever the pipeline's own leads. */
function placeTarget(target: StreamTarget): StreamTarget {
  if (!("path" in target)) return target;
  const parts = target.path.replace(/^[a-z]:/i, "").split(/[/\\]/);
  const below = parts.filter((part) => part !== "" && part !== "." && part !== "..").join("/");
  return { ...target, path: target.path.endsWith("/") ? `${below}/` : below };
}

/** Lowers `min_rows` to the recorded rows, and drops `max_age`, since a fixture ages. */
function relaxBounds(
  { max_age: _age, min_rows, ...bounds }: Expectations,
  { rows, complete }: FixtureStream,
): Expectations {
  if (min_rows === undefined) return bounds;
  return { ...bounds, min_rows: complete ? min_rows : Math.min(min_rows, rows) };
}

function isBuiltIn(loader: ClassChoice): boolean {
  const path = typeof loader === "string" ? loader : loader.class;
  return path === undefined || !isExternal(parseClassPath(path).provider);
}
