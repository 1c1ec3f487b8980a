/** Chooses among discovered streams, for `dxt discover` and `dxt init`. */
import { mayRead } from "../../core/permission_errors.ts";
import type { DiscoveredStream } from "../../core/contracts/connector.ts";
import { ConfigurationError, ConnectorError, SelectorError } from "../../core/errors.ts";
import { suggestWord } from "../../core/did_you_mean.ts";
import { splitName } from "../../core/values/table_name.ts";
import type { Discovery } from "../../runner/mod.ts";
import { formatToken, matches, parseSelector } from "../../selector/mod.ts";
import { shortName } from "./pipeline_yaml.ts";
import { countNoun } from "../output/format_units.ts";

export interface Choice {
  readonly schema?: string | undefined;
  readonly select?: string | undefined;
}

/**
 * Returns the streams of a schema that match a selector.
 *
 * @throws {ConfigurationError} when no stream is in the schema
 * @throws {SelectorError} when a pattern matches no stream
 */
export function chooseStreams(
  { streams, category }: Discovery,
  { schema, select }: Choice,
): readonly DiscoveredStream[] {
  let left = streams;
  if (schema !== undefined) {
    const schemas = [...new Set(streams.map(schemaName).filter((name) => name !== undefined))];
    if (!schemas.includes(schema)) {
      const detail = schemas.length === 0
        ? `${category === "relational" ? "the database" : "the connection"} has no schemas`
        : `known are ${schemas.map((name) => `"${name}"`).join(", ")}${
          suggestWord(schema, schemas)
        }`;
      throw new ConfigurationError(`Cannot find schema "${schema}": ${detail}`);
    }
    left = left.filter((stream) => schemaName(stream) === schema);
  }
  return select === undefined ? left : matchStreams(left, select);
}

function schemaName({ name, source }: DiscoveredStream): string | undefined {
  if (source.type !== "relation") return undefined;
  const parts = splitName(name);
  return parts.length === 2 ? parts[0] : undefined;
}

/** A pattern matches full names, or names without schema, folders and file extensions. */
function matchStreams(streams: readonly DiscoveredStream[], select: string): DiscoveredStream[] {
  const matched = new Set<DiscoveredStream>();
  for (const token of parseSelector(select)) {
    const found = streams.filter((stream) =>
      matches(token, { id: stream.name }) || matches(token, { id: shortName(stream) })
    );
    if (found.length === 0) {
      const names = streams.flatMap((stream) => [stream.name, shortName(stream)]);
      const text = formatToken(token);
      throw new SelectorError(
        `Cannot select ${JSON.stringify(text)}: none of ${
          countNoun(streams.length, "stream")
        } matches${suggestWord(text, names)}`,
      );
    }
    for (const stream of found) matched.add(stream);
  }
  return streams.filter((stream) => matched.has(stream));
}

/**
 * Returns the streams that have readable fields.
 *
 * @throws {ConnectorError} when there are none
 */
export function readableStreams(streams: readonly DiscoveredStream[]): readonly DiscoveredStream[] {
  const found = streams.filter(({ fields }) => fields.length > 0);
  if (found.length > 0) return found;
  throw new ConnectorError(
    "Cannot write a pipeline: no streams found; the source is empty, or the login may not see them",
  );
}

/** Path of a database file that does not exist yet, so that no existing table is replaced. */
export async function freePath(name: string): Promise<string> {
  for (let n = 1;; n++) {
    const path = n === 1 ? `${name}.db` : `${name}_${n}.db`;
    // This is only a proposal: without permission to look, the path is assumed to be free.
    if (!mayRead(path)) return path;
    try {
      await Deno.stat(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return path;
      throw error;
    }
  }
}
