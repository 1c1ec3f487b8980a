/**
 * All that a worker does for its host: the connector's methods over the connection that it holds, and
 * what moves data over it, or describes and runs untrusted code. Host and worker exchange small
 * messages only: names, files, rows, proofs.
 */
import {
  type Connector,
  CONNECTOR_METHODS,
  type ConnectorMethod,
} from "../../../core/contracts/connector.ts";
import type { Jobs } from "../../../sandbox/serve.ts";
import { checkClass, checkConnection, describe, needs, targetPath } from "./describe_module.ts";
import { restrictImports } from "./external_classes.ts";
import { close, open, stop, withConnector } from "./session.ts";
import { readByKeys, sendHashes, sumSide } from "./compare.ts";
import { extract, getSourceWatermark, head, partition, transformed } from "./extract.ts";
import {
  beginParallel,
  feed,
  findColumns,
  finish,
  getMaxWatermark,
  getOutcome,
  listLeftovers,
  load,
  loadShare,
  plan,
  remembered,
  removeLeftover,
} from "./load.ts";
import { openTransforms, transform } from "./transforms.ts";

/** A job for each method of a connector: its arguments in, what it returns out. */
type ConnectorJobs = {
  readonly [M in ConnectorMethod]: (args: Parameters<Connector[M]>) => ReturnType<Connector[M]>;
};

const connectorJobs = Object.fromEntries(CONNECTOR_METHODS.map((method) => [
  method,
  (args: never) =>
    withConnector((connector) =>
      (connector[method] as (...args: never) => Promise<unknown>)(...args)
    ),
])) as unknown as ConnectorJobs;

export const JOBS = {
  ...{ restrictImports, describe, checkConnection, needs, targetPath, checkClass },
  ...{ openTransforms, transform },
  ...{ open, stop, close },
  connect: (_: undefined) => withConnector(() => Promise.resolve()),
  ...connectorJobs,
  ...{ partition, extract, transformed, head, getSourceWatermark },
  ...{ sumSide, sendHashes, readByKeys },
  ...{
    plan,
    getMaxWatermark,
    findColumns,
    getOutcome,
    listLeftovers,
    removeLeftover,
    load,
    feed,
    remembered,
    beginParallel,
    loadShare,
    finish,
  },
} satisfies Jobs;

export type WorkerJobs = typeof JOBS;
