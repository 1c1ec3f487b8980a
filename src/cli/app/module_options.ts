/** Options for external modules, and what `dxt lock` and `dxt vendor` share. */
import { merge, object } from "optique";
import { ConfigurationError } from "../../core/errors.ts";
import { PermissionLists } from "../../models/permissions.ts";
import type { CodeOptions } from "../../config/mod.ts";
import {
  type Context,
  type ImportOptions,
  omitUndefined,
  openPipeline,
  type Variables,
} from "./context.ts";
import { type IO, readVariable } from "../terminal/stdio.ts";
import * as options from "./options.ts";

/** Parsed options of the commands that fetch modules. */
export interface FetchOptions extends Variables {
  readonly pipelines: readonly string[];
}

export const fetchOptions = () =>
  merge(
    object({ pipelines: options.pipelines() }),
    object("Options", {
      ...options.imports(),
      ...options.variables(),
      ...options.outputOptions(),
    }),
  );

/**
 * Converts the options to what config and the sandbox expect.
 *
 * @throws {ConfigurationError} when `--allow-import` is not a list of hosts
 */
export function codeOptions(
  { allowImport = "", cacheDir, frozen }: ImportOptions,
  { env }: Pick<IO, "env">,
): CodeOptions {
  const hosts = allowImport === "" ? [] : allowImport.split(",");
  const parsed = PermissionLists.shape.import.safeParse(hosts);
  if (!parsed.success) {
    const { path: [index], message } = parsed.error.issues[0]!;
    throw new ConfigurationError(
      `Cannot use --allow-import with "${hosts[Number(index)]}": ${message}`,
    );
  }
  return {
    allowImport: hosts,
    ...omitUndefined({ frozen, cacheDirectory: cacheDir, registry: readVariable(env, "JSR_URL") }),
  };
}

/** Reads several pipelines, one after another. */
export async function openPipelines(
  paths: readonly string[],
  variables: Variables,
  context: Context,
) {
  const loaded = [];
  for (const path of paths) loaded.push(await openPipeline(path, variables, context));
  return loaded;
}
