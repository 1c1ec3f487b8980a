/** Reads names of connections for shell completions, without validating the project. */
import { parse } from "yaml";
import { hideEnvironment } from "../text/hide_environment.ts";
import { findProject } from "./find_project.ts";

/**
 * Names of the connections in the project of a folder, sorted; none without a project.
 *
 * @throws {Error} when the project file cannot be read, or is not YAML
 */
export async function readConnectionNames(folder: string): Promise<string[]> {
  const path = await findProject(folder);
  if (path === undefined) return [];
  const text = await Deno.readTextFile(path);
  const project: unknown = hideEnvironment(() => parse(text, { maxAliasCount: 100 }));
  const { connections } = project as { connections?: unknown };
  const isMap = typeof connections === "object" && connections !== null;
  return isMap ? Object.keys(connections).sort() : [];
}
