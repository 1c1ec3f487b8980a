// deno-lint-ignore-file no-console
/**
 * `deno task test` starts the real servers, runs the tests with the permissions that they need, and
 * stops the servers. Further arguments are passed to `deno test`. The last line is
 * `N passed, N failed`, with `, N skipped` if any were. With CI=true a skipped test is a failure,
 * unless {@linkcode IMPOSSIBLE} lists it.
 */
import { join } from "node:path";
import { startServices } from "./services.ts";

/** Names of tests, and why they cannot run on every CI machine. */
type Reason = readonly [RegExp, string];

const IMPOSSIBLE: readonly Reason[] = [
  [/^the binary in a chroot /, "needs a Linux, root, and a binary"],
  [
    /^the binary |, compiled$|^compiled\b/,
    "needs the runtime that deno compile embeds: from Deno's own host, or the file that " +
    "DENORT_BIN names",
  ],
];

/** Hosts that tests may reach: this machine, and a name and a socket that do not exist. */
const HOSTS = [
  ...["127.0.0.1", "127.1", "localhost", "[::1]", "no-such-host.invalid"],
  "unix:/no/such/folder/.s.PGSQL.5432",
];

/** Write permission is unrestricted: creating a symbolic link needs all of it. */
const permissionsOf = (env: Readonly<Record<string, string>>): string[] => [
  "--no-prompt",
  "--allow-read",
  "--allow-write",
  `--allow-net=${[...HOSTS, ...socketsOf(env)].join(",")}`,
  "--allow-env",
  "--allow-sys",
  "--allow-run",
];

/** The unix sockets of the servers. */
function socketsOf(env: Readonly<Record<string, string>>): string[] {
  return Object.entries(env).filter(([name]) => name.endsWith("_SOCKET"))
    .map(([, path]) => `unix:${path}`);
}

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  /** Names of tests and steps that were ignored. */
  readonly skipped: readonly string[];
}

/** Counts the tests in a JUnit report of `deno test`; a step counts as part of its test. */
export function countTests(report: string): Counts {
  let [passed, failed] = [0, 0];
  const skipped: string[] = [];
  const seen = new Set<string>();
  for (const [, attributes = "", body = ""] of report.matchAll(TEST_CASE)) {
    const name = attribute(attributes, "name");
    const file = attribute(attributes, "classname");
    const isStep = [...name.matchAll(/ > /g)].some(({ index }) =>
      seen.has(`${file}\0${name.slice(0, index)}`)
    );
    seen.add(`${file}\0${name}`);
    if (/<skipped\b/.test(body)) skipped.push(name);
    else if (isStep) continue;
    else if (/<(failure|error)\b/.test(body)) failed++;
    else passed++;
  }
  return { passed, failed, skipped };
}

const TEST_CASE = /<testcase\b([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g;

function attribute(attributes: string, name: string): string {
  const value = new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(attributes)?.[1] ?? "";
  return value.replace(/&(lt|gt|quot|apos|amp);/g, (_, entity: string) => ENTITIES[entity]!);
}

const ENTITIES: Readonly<Record<string, string>> = {
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  amp: "&",
};

/** The last line. */
export function closingLine({ passed, failed, skipped }: Counts): string {
  const rest = skipped.length > 0 ? `, ${skipped.length} skipped` : "";
  return `${passed} passed, ${failed} failed${rest}`;
}

/**
 * The counts for the exit code. In strict mode, a skipped test without a reason counts as failed. A
 * run that failed without a failed test, because a file does not load, counts one.
 */
export function judge(
  counts: Counts,
  exitCode: number,
  strict: boolean,
  impossible: readonly Reason[] = IMPOSSIBLE,
): Counts {
  const unexplained = strict
    ? counts.skipped.filter((name) => reasonOf(name, impossible) === undefined)
    : [];
  const failed = counts.failed + unexplained.length;
  return {
    passed: counts.passed,
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    skipped: counts.skipped.filter((name) => !unexplained.includes(name)),
  };
}

function reasonOf(name: string, impossible: readonly Reason[]): string | undefined {
  return impossible.find(([test]) => test.test(name))?.[1];
}

async function runTests(args: readonly string[], env: Record<string, string>): Promise<Counts> {
  const folder = await Deno.makeTempDir({ prefix: "dxt-test-report-" });
  const report = join(folder, "junit.xml");
  try {
    const { code } = await new Deno.Command(Deno.execPath(), {
      args: ["test", ...permissionsOf(env), `--junit-path=${report}`, ...args],
      env,
    }).spawn().status;
    const strict = Deno.env.get("CI") === "true";
    const counts = countTests(await Deno.readTextFile(report).catch(() => ""));
    const judged = judge(counts, code, strict);
    if (strict) {
      for (const name of counts.skipped) {
        console.error(
          `skipped: ${name}: ${reasonOf(name, IMPOSSIBLE) ?? "no reason is known, so it failed"}`,
        );
      }
    }
    return judged;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) {
  let counts: Counts;
  const services = await startServices();
  try {
    for (const [name, reason] of Object.entries(services.missing)) {
      console.error(`${name} is missing: ${reason}`);
    }
    counts = await runTests(Deno.args, services.env);
  } finally {
    await services.stop();
  }
  console.log(closingLine(counts));
  Deno.exit(counts.failed > 0 ? 1 : 0);
}
