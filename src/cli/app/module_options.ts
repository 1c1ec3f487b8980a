/** What the command line says of external modules. */
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

/** What commands that gather modules take. */
export interface GatherOptions extends Variables {
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

/** @throws {ConfigurationError} for an option that is no list of hosts */
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

/** Reads pipelines in their order. */
export async function openPipelines(
  paths: readonly string[],
  variables: Variables,
  context: Context,
) {
  const loaded = [];
  for (const path of paths) loaded.push(await openPipeline(path, variables, context));
  return loaded;
}
