/** The error for a source that does not exist, in the words of its provider. */
import { SchemaError } from "../../core/errors.ts";
import type { StreamRef } from "../../models/source.ts";
import { describeDataset } from "../plan/dataset_name.ts";
import type { Endpoint } from "../plan/endpoint.ts";
import type { RunContext } from "../contract/run_context.ts";
import type { ConnectorCalls } from "../worker/connection_client.ts";
import { openClient } from "../worker/connection_clients.ts";

/** Searches a connection for the nearest name. */
export type SearchContext = Pick<RunContext, "threads" | "signal" | "mayExplore">;

/**
 * The error for a dataset that a connector did not find. A worker of its own looks for the nearest name, if
 * permitted: that of the stream may only read what the stream names.
 */
export async function missingSource(
  source: StreamRef,
  connector: Pick<ConnectorCalls, "describeMissing">,
  endpoint: Endpoint,
  context: SearchContext,
): Promise<SchemaError> {
  const found = context.mayExplore ? await search(source, endpoint, context) : undefined;
  const why = found ?? await connector.describeMissing(source);
  return new SchemaError(`Cannot find ${describeDataset(source)} ${why}`);
}

/** Returns undefined when the search fails, which must not hide the error of the missing source. */
async function search(
  source: StreamRef,
  endpoint: Endpoint,
  context: SearchContext,
): Promise<string | undefined> {
  try {
    await using client = openClient(endpoint, { explores: true }, context);
    return await client.connector.describeMissing(source);
  } catch {
    return undefined;
  }
}
