/** The extractor and loader classes that all filestores share; each exports them under own names. */
import { z } from "zod";
import type { FilestoreConnector } from "../../core/contracts/connector.ts";
import { undivided } from "../../core/contracts/extractor.ts";
import type { ExtractorClass, LoaderClass } from "../../core/contracts/provider.ts";

/** Options for reading and writing files are in source and target. */
const NO_OPTIONS = z.strictObject({});

export const recordExtractorClass: ExtractorClass<FilestoreConnector> = {
  description: "Reads the records of files, one file after another",
  yields: "records",
  options: NO_OPTIONS,
  create: async (connector) => (await import("./source/extractors.ts")).recordExtractor(connector),
  maxWatermark: async (connector, source) =>
    await (await import("./max_watermark.ts")).sourceMaxWatermark(connector, source),
};

/** For stores in which each connection would fetch a file anew to read its part. */
export const undividedRecordExtractorClass: ExtractorClass<FilestoreConnector> = {
  ...recordExtractorClass,
  create: async (connector) => {
    const { recordExtractor } = await import("./source/extractors.ts");
    return { ...recordExtractor(connector), partition: undivided };
  },
};

export const fileExtractorClass: ExtractorClass<FilestoreConnector> = {
  description: "Copies whole files unchanged (needs `buffer.format: passthrough`)",
  yields: "files",
  options: NO_OPTIONS,
  create: async (connector) => (await import("./source/extractors.ts")).fileExtractor(connector),
};

export const loaderClass: LoaderClass<FilestoreConnector> = {
  description: "Writes records in any format, or whole files; a target keeps its mode and owner",
  // Files added to a folder appear one after another.
  modes: { append: "per file", replace: "atomic replace" },
  accepts: ["records", "files"],
  overlaps: true,
  ownRows: ["values"],
  options: NO_OPTIONS,
  create: async (connector) => (await import("./target/loaders.ts")).fileLoader(connector),
  getOutcome: async (...args) => (await import("./target/loaders.ts")).fileOutcome(...args),
  listLeftovers: (connector, target) => connector.listLeftovers(target),
  removeLeftover: (connector, target, request) => connector.removeLeftover(target, request),
};
