/** Formats the results of the rounds, for people and as JSON. */
import { type Course, isSlow, type Rounds, type Run } from "./rounds.ts";
import { median, pairedRatio } from "./statistics.ts";
import { type Column, formatTable } from "./table.ts";

/** Most additional memory, in MiB, that ten times the rows may take. */
const GROWTH_MIB = 32;

/** One way of a path; figures are medians of the rounds. */
export interface Result {
  readonly way: string;
  readonly role: "dxt" | "floor" | "peer";
  readonly rows: number;
  readonly rounds: number;
  readonly seconds?: number;
  /** Of the command and its children. */
  readonly client_cpu?: number;
  readonly server_cpu?: number;
  readonly peak_mib?: number;
  /** dxt's time or CPU divided by that of this way; the median of the rounds' ratios. */
  readonly ratio?: number;
  /** Highest accepted ratio, and whether it is met. */
  readonly at_most?: number;
  readonly reached?: boolean;
  /** Whether the target has the expected rows and sum. */
  readonly verified?: boolean;
  /** Ran in one round only, since it takes much longer than dxt. */
  readonly slow?: true;
  /** Why there are no figures. */
  readonly problem?: string;
}

export interface Report {
  readonly path: string;
  readonly compares: "seconds" | "cpu";
  readonly results: readonly Result[];
  /** dxt's peak memory with all rows minus that with a tenth of them. */
  readonly memory?: {
    readonly growth_mib: number;
    readonly peak_mib: number;
    readonly at_most: number;
    readonly reached: boolean;
  };
  /** Rounds that began while the machine was busy, and seconds waited for it to become quiet. */
  readonly busy_rounds: number;
  readonly waited: number;
}

export function makeReport({ path, courses, quiet }: Rounds): Report {
  const [ours] = courses;
  const results = courses.map((course) => makeResult(course, ours!, courses, path));
  const memory = compareMemory(results, path.memory);
  return {
    path: path.name,
    compares: path.compares,
    results,
    ...(memory === undefined ? {} : { memory }),
    busy_rounds: quiet.filter((seen) => !seen.quiet).length,
    waited: quiet.reduce((sum, { waited }) => sum + waited, 0),
  };
}

function makeResult(
  course: Course,
  ours: Course,
  courses: readonly Course[],
  { compares, repeats = 1 }: Rounds["path"],
): Result {
  const { way, data, runs, problem, verified } = course;
  const middle = (figure: (run: Run) => number | undefined) => {
    const values = [...runs.values()].map(figure).filter((value) => value !== undefined);
    return values.length === 0 ? undefined : median(values);
  };
  const each = (figure: (run: Run) => number | undefined) => {
    const value = middle(figure);
    return value === undefined ? undefined : value / repeats;
  };
  const figures = problem !== undefined ? {} : {
    seconds: each(({ seconds }) => seconds),
    client_cpu: each(({ cpu }) => cpu),
    server_cpu: each(({ server }) => server),
    peak_mib: middle(({ peak }) => peak === 0 ? undefined : peak),
    ...comparison(course, ours, compares),
  };
  return present({
    way: data.rows === ours.data.rows ? way.name : `${way.name}, a tenth of the rows`,
    role: way.role,
    rows: data.rows,
    rounds: runs.size,
    ...figures,
    verified,
    slow: isSlow(course, courses) ? true : undefined,
    problem,
  });
}

function comparison(course: Course, ours: Course, compares: "seconds" | "cpu") {
  if (course.way.role === "dxt") return {};
  const series = ({ runs }: Course) =>
    new Map([...runs].flatMap(([round, run]) => {
      const value = run[compares];
      return value === undefined ? [] : [[round, value] as const];
    }));
  const ratio = pairedRatio(series(ours), series(course));
  const { atMost } = course.way;
  return {
    ratio,
    at_most: atMost,
    reached: atMost === undefined || ratio === undefined ? undefined : ratio <= atMost,
  };
}

function compareMemory(
  [all, fewer]: readonly Result[],
  atMost: number | undefined,
): Report["memory"] {
  const [peak, least] = [all?.peak_mib, fewer?.role === "dxt" ? fewer.peak_mib : undefined];
  if (peak === undefined || least === undefined || atMost === undefined) return undefined;
  const growth = peak - least;
  const reached = growth <= GROWTH_MIB && peak <= atMost;
  return { growth_mib: growth, peak_mib: peak, at_most: atMost, reached };
}

/** A copy without keys whose value is undefined. */
function present<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(value).filter(([, item]) => item !== undefined),
  ) as never;
}

const COLUMNS: readonly Column[] = [
  { title: "", align: "left" },
  { title: "seconds", align: "right" },
  { title: "dxt ÷ it", align: "right" },
  { title: "at most", align: "right" },
  { title: "client CPU", align: "right" },
  { title: "server CPU", align: "right" },
  { title: "peak MiB", align: "right" },
  { title: "remarks", align: "left" },
];

/** The table of a path, and below it the memory targets. */
export function formatReport(report: Report): string {
  const digits = report.compares === "cpu" ? 3 : 2;
  const rows = report.results.map((result) => [
    result.way,
    number(result.seconds, digits),
    number(result.ratio, 2),
    limit(result),
    number(result.client_cpu, digits),
    number(result.server_cpu, digits),
    number(result.peak_mib, 0),
    remarks(result),
  ]);
  return [report.path, formatTable(COLUMNS, rows), ...formatMemory(report.memory)].join("\n");
}

function limit({ at_most, reached }: Result): string {
  return at_most === undefined ? "" : `${at_most.toFixed(2)}${mark(reached)}`;
}

function mark(reached: boolean | undefined): string {
  return reached === undefined ? "" : reached ? " yes" : " NO";
}

function remarks({ problem, slow, verified }: Result): string {
  if (problem !== undefined) return problem;
  if (slow) return "slow: 1 round";
  return verified === false ? "rows not verified" : "";
}

function formatMemory(memory: Report["memory"]): string[] {
  if (memory === undefined) return [];
  const { growth_mib, peak_mib, at_most, reached } = memory;
  return [
    `memory: ${peak_mib.toFixed(0)} MiB of ${at_most}, ${
      growth_mib.toFixed(0)
    } MiB more than with ` +
    `a tenth of the rows of ${GROWTH_MIB}:${mark(reached)}`,
  ];
}

function number(value: number | undefined, digits: number): string {
  return value === undefined ? "" : value.toFixed(digits);
}
