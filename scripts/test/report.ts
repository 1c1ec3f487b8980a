/** Reads the JUnit report of `deno test`, and words what the end of a test run says of it. */

/** A test, or a step of one. */
export interface TestCase {
  readonly name: string;
  readonly file: string;
  readonly seconds: number;
  readonly outcome: "passed" | "failed" | "skipped";
  /** A step counts as part of its test, unless it was skipped. */
  readonly isStep: boolean;
}

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  /** Names of tests and steps that were ignored. */
  readonly skipped: readonly string[];
}

const TEST_CASE = /<testcase\b([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g;

export function readReport(report: string): TestCase[] {
  const seen = new Set<string>();
  return [...report.matchAll(TEST_CASE)].map(([, attributes = "", body = ""]) => {
    const name = attribute(attributes, "name");
    const file = attribute(attributes, "classname");
    const isStep = [...name.matchAll(/ > /g)].some(({ index }) =>
      seen.has(`${file}\0${name.slice(0, index)}`)
    );
    seen.add(`${file}\0${name}`);
    const outcome = /<skipped\b/.test(body)
      ? "skipped"
      : /<(failure|error)\b/.test(body)
      ? "failed"
      : "passed";
    return { name, file, seconds: Number(attribute(attributes, "time")), outcome, isStep };
  });
}

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

export function countTests(cases: readonly TestCase[]): Counts {
  const tests = cases.filter(({ isStep }) => !isStep);
  return {
    passed: tests.filter(({ outcome }) => outcome === "passed").length,
    failed: tests.filter(({ outcome }) => outcome === "failed").length,
    skipped: cases.filter(({ outcome }) => outcome === "skipped").map(({ name }) => name),
  };
}

/** The last line. */
export function closingLine({ passed, failed, skipped }: Counts): string {
  const rest = skipped.length > 0 ? `, ${skipped.length} skipped` : "";
  return `${passed} passed, ${failed} failed${rest}`;
}

/** Names of skipped tests that are listed for each reason. */
const NAMES = 5;

/**
 * The skipped tests by the reason that ends their names, see `tests/support/ignore.ts`.
 *
 * @param services why services are missing, by their environment names
 */
export function listSkipped(
  names: readonly string[],
  services: Readonly<Record<string, string>> = {},
): string[] {
  const byReason = Map.groupBy(names, (name) => readReason(name) ?? "no reason is known");
  const detail = (reason: string) => services[/^(\w+) is missing$/.exec(reason)?.[1] ?? ""];
  return [...byReason].flatMap(([reason, all]) => [
    `skipped ${all.length}: ${[reason, detail(reason)].filter(Boolean).join(", ")}`,
    ...all.slice(0, NAMES).map((name) => `  ${withoutReason(name)}`),
    ...(all.length > NAMES ? [`  and ${all.length - NAMES} more`] : []),
  ]);
}

const REASON = / \(not here: ([^]*)\)$/;

function readReason(name: string): string | undefined {
  return REASON.exec(name)?.[1];
}

/** Whether a test was skipped and its name does not say why. */
export function isUnexplained({ name, outcome }: TestCase): boolean {
  return outcome === "skipped" && readReason(name) === undefined;
}

/** The name as it is where the test runs. */
export function withoutReason(name: string): string {
  return name.replace(REASON, "");
}

/** The tests that took longest, the longest first. */
export function listSlowest(cases: readonly TestCase[], count: number): string[] {
  const tests = cases.filter(({ isStep, outcome }) => !isStep && outcome !== "skipped");
  return tests.toSorted((a, b) => b.seconds - a.seconds).slice(0, count)
    .map(({ name, file, seconds }) =>
      `${seconds.toFixed(1).padStart(7)} s  ${name}  (${file.replace(/^\.\//, "")})`
    );
}
