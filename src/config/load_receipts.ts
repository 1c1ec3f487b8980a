/** Where the runs of a project write receipts, read without the variables of its connections. */
import { LogSettings } from "../models/pipeline.ts";
import { dirname, resolve } from "../core/files/paths.ts";
import { type LoadOptions, readSurroundings, readText } from "./load_pipeline.ts";
import { type FileText, readVariables } from "./pipeline/assemble.ts";
import { BY_SCHEMA } from "./pipeline/parse_strict.ts";
import { Issues } from "./text/issues.ts";
import { SourceText } from "./text/source_text.ts";
import { getChild, getText, type MapTree, omitKeys, type Tree } from "./text/tree.ts";
import { expand, type Variables } from "./text/variables.ts";
import { parseYAML } from "./text/yaml.ts";
import { validate } from "./validation/zod_validate.ts";

/** What `dxt runs` and `dxt receipt` need of a pipeline and its project. */
export interface ReceiptSettings {
  /** Absolute folder; undefined without a project, or if it names none. */
  readonly folder: string | undefined;
  /** Name of the pipeline; undefined if none was given. */
  readonly pipeline: string | undefined;
  /**
   * Returns the key that signs receipts, if the project has one.
   *
   * @throws {LocatedError} when a variable in it is not set
   */
  readKey(): string | undefined;
}

/**
 * Reads the settings that apply to a pipeline file, or to the working directory.
 *
 * @throws {ConfigurationError} when a file cannot be read
 * @throws {LocatedError} that lists the errors in the settings
 */
export async function loadReceiptSettings(
  path: string | undefined,
  { env, envFile, vars = {} }: LoadOptions,
): Promise<ReceiptSettings> {
  const directory = path === undefined ? resolve(".") : dirname(resolve(path));
  const { project, envFiles = [] } = await readSurroundings(directory, envFile);
  const issues = new Issues();
  const variables = readVariables({ env, vars, envFiles }, issues);
  const logging = project && readLogging(project, issues);
  const settings = {
    folder: project && logging && readFolder(logging, project.path, variables, issues),
    pipeline: path && readName({ path, text: await readText("pipeline", path) }, variables, issues),
    readKey: () => readKey(getChild(logging, "receipt_key"), variables),
  };
  issues.throwIfAny();
  return settings;
}

function readMap({ path, text }: FileText, issues: Issues): MapTree | undefined {
  const tree = parseYAML(new SourceText(path, text), issues);
  return tree?.kind === "map" ? tree : undefined;
}

function readLogging(project: FileText, issues: Issues): MapTree | undefined {
  const logging = getChild(readMap(project, issues), "logging");
  return logging?.kind === "map" ? logging : undefined;
}

/** The key may need a variable that only the one who signs has. */
function readFolder(
  logging: MapTree,
  projectPath: string,
  variables: Variables,
  issues: Issues,
): string | undefined {
  const settings = expand(omitKeys(logging, "receipt_key"), variables, issues);
  const folder = validate(LogSettings, settings, issues)?.receipts;
  return folder === undefined ? undefined : resolve(dirname(projectPath), folder);
}

function readName(file: FileText, variables: Variables, issues: Issues): string | undefined {
  const tree = readMap(file, issues);
  if (tree === undefined) return undefined;
  const name = getChild(BY_SCHEMA.normalize(tree, new Issues()), "name");
  if (name === undefined) issues.add(tree.place, 'expected a pipeline, which has a "name"');
  return name && getText(expand(name, variables, issues));
}

function readKey(written: Tree | undefined, variables: Variables): string | undefined {
  const issues = new Issues();
  const key = written && expand(written, variables, issues);
  issues.throwIfAny();
  return getText(key);
}
