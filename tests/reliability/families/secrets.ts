/**
 * Plants twenty secrets in a project: in URLs, keys, variables, files and SQL. The suite runs the project in many ways,
 * with and without success. No output contains a secret: stdout, stderr, log, receipts, stages, plans, dead letters,
 * temporary files, names of files, command lines.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { notLinux } from "../../support/ignore.ts";
import { head, serve, type Server, whole } from "../../providers/filestore/http/server.ts";
import { type Family, Fault, observe, type Outcome, type Scope } from "../outcome.ts";
import { LOGIN, plant, type PlantedProject } from "../planted_project.ts";
import {
  makeSecrets,
  type Secrets,
  SecretSearch,
  walk,
  watchCommandLines,
} from "../planted_secrets.ts";

const MAIN = fileURLToPath(new URL("../../../main.ts", import.meta.url));

export const SECRETS: Family = {
  name: "secrets",
  title: "20 planted secrets, searched in every output",
  whyMissing: () => Promise.resolve(notLinux),
  run,
};

/** A short suite runs one in this many commands. */
const STRIDE = 4;
/** Options with which each command is run; a short suite takes one after the other. */
const OUTPUTS: readonly (readonly string[])[] = [
  ["--verbose"],
  ["--quiet"],
  ["--output", "ndjson", "--log-level", "debug"],
  ["--log-format", "json", "--show-values"],
];

/** One command on one pipeline. */
interface Attempt {
  readonly pipeline: string;
  readonly words: readonly string[];
  /** Exit codes that say that the command did what this case is about. */
  readonly codes: readonly number[];
}

async function* run(scope: Scope): AsyncIterable<Outcome> {
  const secrets = makeSecrets();
  await using server = serveFiles(secrets);
  const project = await plant(secrets, server.url, scope);
  await using _login = await createLogin(secrets, scope);
  const attempts = listAttempts(project);
  for (const [i, attempt] of attempts.entries()) {
    if (scope.isShort && i % STRIDE !== 0) continue;
    const outputs = scope.isShort ? [OUTPUTS[i / STRIDE % OUTPUTS.length]!] : OUTPUTS;
    for (const options of outputs) {
      const { pipeline, words } = attempt;
      const name = `${pipeline}: ${[...words, ...options].join(" ")}`;
      yield await observe(SECRETS.name, name, () => search(project, attempt, options));
    }
  }
}

/** Sends a file to a client with the token; returns the request of any other to it. */
function serveFiles(secrets: Secrets): Server {
  return serve((target, request) => {
    if (target.startsWith("/moved")) {
      return [head("302 Found", `location: http://127.0.0.1:1/x?sig=${secrets.query}`)];
    }
    const isKnown = request.toLowerCase().includes(`bearer ${secrets.token}`);
    if (isKnown && target.startsWith("/a.csv")) return whole("id,n\n1,1\n2,2\n");
    const body = `who are you? ${request}`;
    return [head("403 Forbidden", `content-length: ${body.length}`), body];
  });
}

/** Creates a login of PostgreSQL with a planted password. */
async function createLogin({ environment }: Secrets, { systems }: Scope) {
  const { postgres } = systems;
  const name = LOGIN;
  await postgres?.rows(`DROP ROLE IF EXISTS ${name}`);
  await postgres?.rows(`CREATE ROLE ${name} LOGIN PASSWORD '${environment.replaceAll("'", "''")}'`);
  return {
    [Symbol.asyncDispose]: async () => void await postgres?.rows(`DROP ROLE IF EXISTS ${name}`),
  };
}

/** Pipelines whose run succeeds; of the others it fails. */
const SUCCEED = new Set(["http", "variable_in_sql", "key_in_sql", "dead_letters", "postgres"]);

function listAttempts({ pipelines }: PlantedProject): Attempt[] {
  const runs = pipelines.map((pipeline): Attempt => ({
    pipeline,
    words: ["run", `${pipeline}.yaml`, ...optionsOf(pipeline)],
    codes: SUCCEED.has(pipeline) ? [0] : [1, 2],
  }));
  const others = ["variable_in_sql", "dead_letters", "http_query"].flatMap((pipeline) =>
    COMMANDS.map((words): Attempt => ({
      pipeline,
      words: words.map((word) => word.replace("PIPELINE", `${pipeline}.yaml`)),
      codes: [0, 1, 2, 4, 5],
    }))
  );
  return [...runs, ...others];
}

/** Commands besides `run`; they come after it, and find what it left. */
const COMMANDS = [
  ...["plan PIPELINE --save saved.plan", "run --plan saved.plan PIPELINE", "test PIPELINE"],
  ...["validate PIPELINE", "list PIPELINE", "permissions PIPELINE", "extract PIPELINE"],
  ...["head PIPELINE s --stage", "status PIPELINE", "load PIPELINE", "diff PIPELINE"],
  ...["dlq list PIPELINE", "runs receipts", "receipt verify receipts", "clean PIPELINE"],
].map((line) => line.split(" "));

function optionsOf(pipeline: string): string[] {
  if (pipeline === "env_file") return ["--env-file", "other.env"];
  return pipeline === "argument" ? ["--var", "ARGUMENT=@"] : [];
}

/** Runs a command, and searches its output and files for secrets. */
async function search(
  { folder, secrets, planted }: PlantedProject,
  { words, codes }: Attempt,
  options: readonly string[],
): Promise<string> {
  const temporary = join(folder, "tmp");
  await Deno.mkdir(temporary, { recursive: true });
  const isRun = ["run", "extract", "load"].includes(words[0]!);
  const given = words.map((word) => word.replace("=@", `=${secrets.argument}`));
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-prompt", "--no-check", MAIN, ...given],
      ...(isRun ? [...options, "--retries", "0"] : options.filter((word) => word === "--quiet")),
    ],
    cwd: folder,
    env: { TMPDIR: temporary, LOGIN: secrets.environment, NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  const lines = await watchCommandLines(child.pid, output);
  const { code, stdout, stderr } = await output;
  const find = new SecretSearch(secrets);
  const isArgument = words.some((word) => word.includes("=@"));
  const leaks = [
    ...find.find(stdout, "stdout"),
    ...find.find(stderr, "stderr"),
    // Arguments of the user are in the list of processes from the start.
    ...(isArgument ? [] : find.find([...lines].join("\n"), "command line")),
    ...await find.findInFiles(folder, planted),
  ];
  if (leaks.length > 0) {
    const list = leaks.map(({ place, output }) => `${place} in ${output}`);
    throw new Fault("leaked", list.join("; "));
  }
  const text = new TextDecoder().decode(stderr) + new TextDecoder().decode(stdout);
  assert.ok(codes.includes(code), `exit code ${code}: ${text}`);
  const files = (await Array.fromAsync(walk(folder))).length - planted.size;
  return `${code}, ${files} files searched`;
}
