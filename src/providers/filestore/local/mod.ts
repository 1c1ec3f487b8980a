/**
 * The provider of local files.
 *
 * Paths in sources and targets are relative to the connection's `path` and must not lead out of it.
 * Without `path` they are relative to the pipeline's folder, and may be absolute.
 */
import { resolve } from "node:path";
import { z } from "zod";
import type { FilestoreConnector } from "../../../core/contracts/connector.ts";
import { readFileURL } from "../../../core/files/file_url.ts";
import { defineProvider } from "../../../core/contracts/provider.ts";
import { fileExtractorClass, loaderClass, recordExtractorClass } from "../classes.ts";
import { BaseDirectory, targetPath } from "./paths.ts";
import { permissions } from "./permissions.ts";

const Config = z.strictObject({
  path: z.string().min(1).optional()
    .describe(
      "Folder that paths are relative to and must not leave; without it, the pipeline's folder and no limit",
    ),
});
type Config = z.infer<typeof Config>;

function openBase({ path }: Config, baseDirectory: string): BaseDirectory {
  return new BaseDirectory(resolve(baseDirectory, path ?? "."), path !== undefined);
}

export default defineProvider<Config, FilestoreConnector>({
  name: "local",
  category: "filestore",
  description: "Files on this machine",
  config: Config,
  urls: { schemes: ["file"], parse: (url) => ({ path: readFileURL(url) }) },
  async connect(config, context) {
    const { LocalConnector } = await import("./connector.ts");
    return new LocalConnector(openBase(config, context.baseDirectory), context);
  },
  permissions: (config, usage) => permissions(openBase(config, usage.baseDirectory), usage),
  targetPath: (config, target, baseDirectory) =>
    targetPath(openBase(config, baseDirectory), target),
  extractors: {
    LocalRecordExtractor: recordExtractorClass,
    LocalFileExtractor: fileExtractorClass,
  },
  loaders: { LocalLoader: loaderClass },
});
