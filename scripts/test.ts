// deno-lint-ignore-file no-console
/**
 * `deno task test` starts the real servers, runs the tests with the permissions that they need, and
 * stops the servers. Further arguments are passed to `deno test`; `--quick` leaves out what takes long.
 * The end lists what was skipped and why, and the slowest tests. The last line is `N passed, N failed`,
 * with `, N skipped` if any were. With CI=true a skipped test is a failure, unless
 * {@linkcode IMPOSSIBLE} lists it.
 */
import { globSync } from "node:fs";
import { join } from "node:path";
import { SERVICES, type Services, startServices } from "./services.ts";
import {
  closingLine,
  type Counts,
  countTests,
  isUnexplained,
  listSkipped,
  listSlowest,
  readReport,
  withoutReason,
} from "./test/report.ts";

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
const listPermissions = (env: Readonly<Record<string, string>>): string[] => [
  "--no-prompt",
  "--allow-read",
  "--allow-write",
  `--allow-net=${[...HOSTS, ...listSockets(env)].join(",")}`,
  "--allow-env",
  "--allow-sys",
  "--allow-run",
];

/** The unix sockets of the servers. */
function listSockets(env: Readonly<Record<string, string>>): string[] {
  return Object.entries(env).filter(([name]) => name.endsWith("_SOCKET"))
    .map(([, path]) => `unix:${path}`);
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
    ? counts.skipped.filter((name) => !isImpossible(name, impossible))
    : [];
  const failed = counts.failed + unexplained.length;
  return {
    passed: counts.passed,
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    skipped: counts.skipped.filter((name) => !unexplained.includes(name)),
  };
}

function isImpossible(name: string, impossible: readonly Reason[]): boolean {
  return impossible.some(([test]) => test.test(withoutReason(name)));
}

/** Tests that `--quick` leaves out: each starts servers, binaries or many processes, or takes long. */
const SLOW = [
  "tests/bench",
  "tests/binary",
  "tests/buffers/crash_test.ts",
  "tests/cli/commands/explore_test.ts",
  "tests/cli/commands/http_files_test.ts",
  "tests/cli/commands/pipes_test.ts",
  "tests/cli/commands/without_file_test.ts",
  "tests/cli/help/completions_test.ts",
  "tests/cli/help/fast_parse_test.ts",
  "tests/cli/process",
  "tests/config/precompiled_test.ts",
  "tests/core/file_lock_test.ts",
  "tests/external",
  "tests/formats/guessed_types_test.ts",
  "tests/formats/json/conformance_test.ts",
  "tests/formats/parquet/other_readers_test.ts",
  "tests/formats/parquet/recycle_test.ts",
  "tests/main_job",
  "tests/permissions_readme_test.ts",
  "tests/providers/filestore/http",
  "tests/providers/filestore/local/connector_test.ts",
  "tests/providers/filestore/local/partition_test.ts",
  "tests/providers/relational/mysql",
  "tests/providers/relational/postgres",
  "tests/providers/relational/sqlite/conformance_test.ts",
  "tests/providers/relational/sqlite/rowid_partition_test.ts",
  "tests/providers/transport/guarded_connection_test.ts",
  "tests/reliability",
  "tests/runner/pending_load_test.ts",
  "tests/runner/shared_targets_test.ts",
  "tests/runner/waiting_test.ts",
  "tests/runner/watermark_order_test.ts",
  "tests/runner/watermark_warnings_test.ts",
  "tests/runner/wildcards_test.ts",
  "tests/sandbox/confine_test.ts",
  "tests/sandbox/hostile_test.ts",
  "tests/walk_through_test.ts",
];

/** Services of a run that starts none. */
const NO_SERVICES: Services = {
  env: {},
  missing: Object.fromEntries(SERVICES.map((name) => [name, "--quick starts no server"])),
  stop: () => Promise.resolve(),
};

/** Tests that are listed as the slowest. */
const SLOWEST = 10;

/** @param groups arguments of `deno test`: each group is a process, and all run at the same time */
async function runTests(
  groups: readonly (readonly string[])[],
  { env, missing }: Omit<Services, "stop">,
): Promise<Counts> {
  const folder = await Deno.makeTempDir({ prefix: "dxt-test-report-" });
  try {
    const runs = await Promise.all(groups.map(async (args, i) => {
      const report = join(folder, `${i}.xml`);
      const code = await testWith(
        ["test", ...listPermissions(env), `--junit-path=${report}`, ...args],
        { ...env, DXT_TEST_MISSING: Object.keys(missing).join(",") },
      );
      return { code, cases: readReport(await Deno.readTextFile(report).catch(() => "")) };
    }));
    const all = runs.flatMap(({ cases }) => cases);
    // A report calls tests that a filter leaves out skipped.
    const isFiltered = groups.flat().some((arg) => arg.startsWith("--filter"));
    const cases = isFiltered ? all.filter((one) => !isUnexplained(one)) : all;
    const counts = countTests(cases);
    for (const line of listSkipped(counts.skipped, missing)) console.error(line);
    if (cases.length > SLOWEST) {
      console.error("slowest:");
      for (const line of listSlowest(cases, SLOWEST)) console.error(line);
    }
    const code = Math.max(...runs.map((run) => run.code));
    return judge(counts, code, Deno.env.get("CI") === "true");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/**
 * Arguments of the quick run: the test files but {@linkcode SLOW}, dealt to a process per core.
 * Processes, since files of one process share its working folder, its umask and its memory.
 */
function quickGroups(args: readonly string[]): string[][] {
  const files = globSync("tests/**/*_test.ts").toSorted()
    .filter((file) => !SLOW.some((slow) => file === slow || file.startsWith(`${slow}/`)));
  const dealt = Map.groupBy(files, (_, i) => i % navigator.hardwareConcurrency);
  return [...dealt.values()].map((group) => ["--no-check", ...args, ...group]);
}

/** Runs `deno test` without its own closing line, which counts in another way; returns its exit code. */
async function testWith(args: readonly string[], env: Record<string, string>): Promise<number> {
  const color = Deno.stdout.isTerminal() && !Deno.noColor ? { FORCE_COLOR: "1" } : {};
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    env: { ...env, ...color },
    stdout: "piped",
  }).spawn();
  let rest = "";
  const write = (text: string) => Deno.stdout.writeSync(new TextEncoder().encode(text));
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split(/(?<=\n)/);
    rest = lines.at(-1)!.endsWith("\n") ? "" : lines.pop()!;
    for (const line of lines) if (!isClosing(line)) write(line);
    // The name of a test that runs is shown at once.
    if (rest.includes(" ... ")) {
      write(rest);
      rest = "";
    }
  }
  if (!isClosing(rest)) write(rest);
  return (await child.status).code;
}

/** Whether a line is the one that `deno test` ends with. */
function isClosing(line: string): boolean {
  // deno-lint-ignore no-control-regex
  return /^(ok|FAILED) \| \d+ passed/.test(line.replace(/\x1b\[[\d;]*m/g, ""));
}

if (import.meta.main) {
  const isQuick = Deno.args.includes("--quick");
  const args = Deno.args.filter((arg) => arg !== "--quick");
  let counts: Counts;
  const services = isQuick ? NO_SERVICES : await startServices();
  try {
    counts = await runTests(isQuick ? quickGroups(args) : [args], services);
  } finally {
    await services.stop();
  }
  console.log(closingLine(counts));
  Deno.exit(counts.failed > 0 ? 1 : 0);
}
