/** Runs every way of a path once per round, so that a slow moment of the machine affects all. */
import { type Figure, measure } from "../measure.ts";
import type { Data } from "./data.ts";
import { type Quiet, waitForQuiet } from "./quiet.ts";
import { bash, errorLine, type Place, shell } from "./shell.ts";
import { rotated } from "./statistics.ts";
import { expectedTotals, parseTotals } from "./tables.ts";
import type { Path, Way } from "./way.ts";
import type { World } from "./world.ts";

/** A successful run. */
export interface Run extends Figure {
  /** CPU seconds of the server during the run; undefined when the path uses none. */
  readonly server: number | undefined;
}

/** A way with its results. */
export interface Course {
  readonly way: Way;
  readonly data: Data;
  /** By round, without the warm-up. */
  readonly runs: Map<number, Run>;
  /** Why there is no comparison: the program is absent, failed, or lost rows. */
  problem?: string;
  /** Whether the target was checked; a wrong count is a `problem`. Undefined without a target. */
  verified?: boolean;
  /** Seconds of the warm-up. */
  warmUp?: number;
}

export interface Rounds {
  readonly path: Path;
  readonly courses: readonly Course[];
  /** Samples of the machine before each round. */
  readonly quiet: readonly Quiet[];
}

export interface RoundOptions {
  readonly rounds: number;
  readonly peers: boolean;
  /** Seconds to wait for a quiet machine before each round, at most. */
  readonly wait: number;
  readonly tell: (line: string) => void;
}

/** dxt also runs with a tenth of the rows: the difference in memory shows whether it is flat. */
export const SMALLER = 10;

/** Peers that took this many times dxt's time to warm up are measured in one round only. */
const SLOW = 4;

export async function runRounds(
  world: World,
  path: Path,
  [data, smaller]: readonly [Data, Data],
  options: RoundOptions,
): Promise<Rounds> {
  const courses = await planCourses(world, path, data, smaller, options);
  const quiet: Quiet[] = [];
  for (let round = 0; round <= options.rounds; round++) {
    const seen = await waitForQuiet(options.wait);
    if (seen !== undefined) quiet.push(seen);
    for (const course of round === 0 ? courses : rotated(courses, round)) {
      if (course.problem !== undefined || (round > 1 && isSlow(course, courses))) continue;
      await runOnce(world, path, course, round, chooseLimit(courses));
      options.tell(
        `${path.name}: round ${round} of ${options.rounds}: ${describeRun(course, round)}`,
      );
    }
  }
  return { path, courses, quiet };
}

async function planCourses(
  world: World,
  path: Path,
  data: Data,
  smaller: Data,
  { peers }: RoundOptions,
): Promise<Course[]> {
  const { from, table = "wide" } = path;
  if (from !== undefined) await data.need(from, table);
  if (from !== undefined) await smaller.need(from, table);
  return path.ways.filter(({ role }) => peers || role !== "peer").flatMap((way): Course[] => {
    const problem = missing(way, world);
    const course: Course = { way, data, runs: new Map(), ...(problem ? { problem } : {}) };
    if (way.role !== "dxt" || from === undefined) return [course];
    return [course, { way, data: smaller, runs: new Map() }];
  });
}

function missing({ needs }: Way, { programs }: World): string | undefined {
  for (const name of needs) {
    const program = programs[name];
    if ("absent" in program) return `${name} is absent: ${program.absent}`;
  }
  return undefined;
}

/** Whether a peer is so slow that further rounds would take most of the bench's time. */
export function isSlow({ way, warmUp }: Course, [dxt]: readonly Course[]): boolean {
  return way.role === "peer" && (warmUp ?? 0) > SLOW * (dxt?.warmUp ?? Infinity);
}

/** Timeout of a way in seconds, for programs that hang. */
function chooseLimit([dxt]: readonly Course[]): number {
  return Math.max(120, 30 * (dxt?.warmUp ?? 0));
}

async function runOnce(
  world: World,
  path: Path,
  course: Course,
  round: number,
  limit: number,
): Promise<void> {
  const { way, data } = course;
  const place = { cwd: world.place.cwd, env: { ...data.env, REPEATS: String(path.repeats ?? 1) } };
  try {
    if (path.from !== undefined) await world.clean();
    if (way.prepare !== undefined) await shell(way.prepare, place);
    const before = world.serverCPU();
    const figure = await measure(bash(way.script), { ...place, keepErrors: true, limit });
    const after = world.serverCPU();
    if (figure.code !== 0) throw new Error(explainFailure(figure, limit));
    if (round === 0) {
      course.warmUp = figure.seconds;
      await verify(world, path, course, place);
    } else {
      const server = before === undefined || after === undefined ? undefined : after - before;
      course.runs.set(round, { ...figure, server: usesServer(path, way) ? server : undefined });
    }
  } catch (error) {
    course.problem = `failed: ${error instanceof Error ? error.message : error}`;
  }
}

function usesServer({ from, totals = "" }: Path, { script }: Way): boolean {
  return from === "postgres" || totals.includes("$TARGET") || script.includes("$TARGET");
}

/** Checks rows and sum: a program that ends early with half of the rows would look fast. */
async function verify(
  { programs }: World,
  { totals, totalsNeed = [], expects = expectedTotals }: Path,
  course: Course,
  place: Place,
): Promise<void> {
  if (totals === undefined || course.way.fills !== true) return;
  course.verified = false;
  if (totalsNeed.some((name) => "absent" in programs[name])) return;
  const found = parseTotals(await shell(totals, place));
  const wanted = expects(course.data.rows);
  if (found.rows !== wanted.rows || found.sum !== wanted.sum) {
    throw new Error(
      `the target has ${found.rows} rows, sum ${found.sum}, wanted ${wanted.rows} rows, sum ${wanted.sum}`,
    );
  }
  course.verified = true;
}

function explainFailure({ code, seconds, errors }: Figure, limit: number): string {
  if (seconds >= limit) return `not done after ${limit.toFixed(0)} s`;
  return errorLine(errors) ?? `exit code ${code}`;
}

function describeRun({ way, data, runs, problem, warmUp }: Course, round: number): string {
  const seconds = round === 0 ? warmUp : runs.get(round)?.seconds;
  const what = `${way.name}, ${data.rows} rows`;
  return `${what}: ${problem ?? `${seconds?.toFixed(2)} s`}`;
}
