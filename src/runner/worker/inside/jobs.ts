/**
 * All that a thread does for its host: at one end of a pipeline, whose connection it holds, or with
 * code of others. Between host and thread go small messages only: names, files, rows, proofs.
 */
import type { StreamRef, StreamSource, StreamTarget } from "../../../models/source.ts";
import type { LoadMode } from "../../../models/stream.ts";
import type { Jobs } from "../../../sandbox/serve.ts";
import { checkClass, checkConnection, describe, needs, targetPath } from "./describe_module.ts";
import { restrictImports } from "./external_classes.ts";
import { close, open, stop, withConnector } from "./session.ts";
import { extract, head, partition, sourceWatermark, transformed } from "./extract.ts";
import {
  feed,
  finish,
  load,
  loadShare,
  maxWatermark,
  outcome,
  plan,
  remembered,
  share,
} from "./load.ts";
import { openTransforms, transform } from "./transforms.ts";

export const JOBS = {
  ...{ restrictImports, describe, checkConnection, needs, targetPath, checkClass },
  ...{ openTransforms, transform },
  ...{ open, stop, close },
  connect: (_: undefined) => withConnector(() => Promise.resolve()),
  testConnection: (_: undefined) => withConnector((end) => end.testConnection()),
  getStreamFields: (ref: StreamRef) => withConnector((end) => end.getStreamFields(ref)),
  discover: (_: undefined) => withConnector((end) => end.discover()),
  estimate: (source: StreamSource) => withConnector((end) => end.estimate(source)),
  checkRead: (source: StreamSource) => withConnector((end) => end.checkRead(source)),
  checkWrite: ({ target, mode }: { target: StreamTarget; mode: LoadMode }) =>
    withConnector((end) => end.checkWrite(target, mode)),
  ...{ partition, extract, transformed, head, sourceWatermark },
  ...{ plan, maxWatermark, outcome, load, feed, remembered, share, loadShare, finish },
} satisfies Jobs;

export type EndJobs = typeof JOBS;
