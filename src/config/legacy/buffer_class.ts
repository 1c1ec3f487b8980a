/** Legacy shape: `buffer: {class: dxt.buffers.ParquetBuffer, config: {…}}`. */
import { suggestWord } from "../../core/did_you_mean.ts";
import { FORMATS } from "../../models/format.ts";
import type { Issues } from "../text/issues.ts";
import {
  getChild,
  getText,
  type MapTree,
  omitKeys,
  overlay,
  type Tree,
  withEntry,
} from "../text/tree.ts";

const KNOWN: readonly string[] = [...FORMATS, "passthrough", "memory"];

export function fromBufferClass(pipeline: MapTree, issues: Issues): MapTree {
  const buffer = getChild(pipeline, "buffer");
  if (buffer?.kind !== "map" || !buffer.entries.has("class")) return pipeline;
  const format = readFormat(getChild(buffer, "class")!, issues);
  const rest = overlay(getChild(buffer, "config"), omitKeys(buffer, "class", "config")) as MapTree;
  const whole = { ...rest, place: buffer.place };
  return withEntry(
    pipeline,
    "buffer",
    format === undefined ? whole : withEntry(whole, "format", format),
  );
}

function readFormat(name: Tree, issues: Issues): Tree | undefined {
  const text = getText(name) ?? "";
  const format = text.split(".").at(-1)!.replace(/Buffer$/, "").toLowerCase();
  if (KNOWN.includes(format) && name.kind === "scalar") return { ...name, value: format };
  issues.add(
    name.place,
    `unknown buffer class "${text}", expected one of ${KNOWN.join(", ")}${
      suggestWord(format, KNOWN)
    }`,
  );
  return undefined;
}
