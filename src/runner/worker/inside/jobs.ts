/**
 * All that a thread does for its host: at one end of a pipeline, whose connection it holds, or with
 * code of others. Between host and thread go small messages only: names, files, rows, proofs.
 */
import type { StreamRef, StreamSource, StreamTarget } from "../../../models/source.ts";
import type { LoadMode } from "../../../models/stream.ts";
import type { Jobs } from "../../../sandbox/serve.ts";
import { checkClass, checkConnection, describe, needs, targetPath } from "./describe_module.ts";
import { confine } from "./external_classes.ts";
import { close, connected, open, stop } from "./session.ts";
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
  ...{ confine, describe, checkConnection, needs, targetPath, checkClass },
  ...{ openTransforms, transform },
  ...{ open, stop, close },
  connect: (_: undefined) => connected(() => Promise.resolve()),
  testConnection: (_: undefined) => connected((end) => end.testConnection()),
  getStreamFields: (ref: StreamRef) => connected((end) => end.getStreamFields(ref)),
  discover: (_: undefined) => connected((end) => end.discover()),
  estimate: (source: StreamSource) => connected((end) => end.estimate(source)),
  checkRead: (source: StreamSource) => connected((end) => end.checkRead(source)),
  checkWrite: ({ target, mode }: { target: StreamTarget; mode: LoadMode }) =>
    connected((end) => end.checkWrite(target, mode)),
  ...{ partition, extract, transformed, head, sourceWatermark },
  ...{ plan, maxWatermark, outcome, load, feed, remembered, share, loadShare, finish },
} satisfies Jobs;

export type EndJobs = typeof JOBS;
