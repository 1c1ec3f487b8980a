/** Which of the discovered streams are meant, and what a pipeline of them needs. */
import { mayRead } from "../../core/permission_errors.ts";
import type { DiscoveredStream } from "../../core/contracts/connector.ts";
import { ConfigurationError, ConnectorError, SelectorError } from "../../core/errors.ts";
import { suggestWord } from "../../core/did_you_mean.ts";
import type { Discovery } from "../../runner/mod.ts";
import { matches, parseSelector, textOfToken } from "../../selector/mod.ts";
import { plainName, splitName } from "./pipeline_yaml.ts";
import { countNoun } from "../output/format_units.ts";

export interface Choice {
  readonly schema?: string | undefined;
  readonly select?: string | undefined;
}

/**
 * @throws {ConfigurationError} for a schema that no stream is in
 * @throws {SelectorError} for a pattern that no stream matches
 */
export function chooseStreams(
  { streams, category }: Discovery,
  { schema, select }: Choice,
): readonly DiscoveredStream[] {
  let left = streams;
  if (schema !== undefined) {
    const schemas = [...new Set(streams.map(schemaOf).filter((name) => name !== undefined))];
    if (!schemas.includes(schema)) {
      const detail = schemas.length === 0
        ? `${
          category === "relational" ? "the database" : "the connection"
        } has no stream in a schema`
        : `there are ${schemas.map((name) => `"${name}"`).join(", ")}${
          suggestWord(schema, schemas)
        }`;
      throw new ConfigurationError(`Cannot find schema "${schema}": ${detail}`);
    }
    left = left.filter((stream) => schemaOf(stream) === schema);
  }
  return select === undefined ? left : selected(left, select);
}

function schemaOf({ name, source }: DiscoveredStream): string | undefined {
  if (source.type !== "relation") return undefined;
  const parts = splitName(name);
  return parts.length === 2 ? parts[0] : undefined;
}

/** A pattern means whole names, or names without schema, folders and endings. */
function selected(streams: readonly DiscoveredStream[], select: string): DiscoveredStream[] {
  const meant = new Set<DiscoveredStream>();
  for (const token of parseSelector(select)) {
    const found = streams.filter((stream) =>
      matches(token, { id: stream.name }) || matches(token, { id: plainName(stream) })
    );
    if (found.length === 0) {
      const names = streams.flatMap((stream) => [stream.name, plainName(stream)]);
      const text = textOfToken(token);
      throw new SelectorError(
        `Cannot select ${JSON.stringify(text)}: none of ${
          countNoun(streams.length, "stream")
        } matches${suggestWord(text, names)}`,
      );
    }
    for (const stream of found) meant.add(stream);
  }
  return streams.filter((stream) => meant.has(stream));
}

/** The streams that can be read, which a pipeline needs at least one of. */
export function readableStreams(streams: readonly DiscoveredStream[]): readonly DiscoveredStream[] {
  const found = streams.filter(({ fields }) => fields.length > 0);
  if (found.length > 0) return found;
  throw new ConnectorError(
    "Cannot write a pipeline: there are no streams, or the login may see none of them",
  );
}

/** A database that is not there yet: no table of another one is replaced by accident. */
export async function freePath(name: string): Promise<string> {
  for (let n = 1;; n++) {
    const path = n === 1 ? `${name}.db` : `${name}_${n}.db`;
    // It is a proposal: a place that may not be looked at is taken to be free.
    if (!mayRead(path)) return path;
    try {
      await Deno.stat(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return path;
      throw error;
    }
  }
}
