import assert from "node:assert/strict";
import { formatReport, makeReport } from "../../scripts/bench/report.ts";
import { type Course, isSlow, type Run } from "../../scripts/bench/rounds.ts";
import { errorLine } from "../../scripts/bench/shell.ts";
import { dxt, floor, type Path, peer, type Way } from "../../scripts/bench/way.ts";

const OURS = dxt({});
const PIPE = floor("pipe", ["psql"], "", { atMost: 1.15 });
const SLING = peer("sling", "", { atMost: 0.5 });
const PATH: Path = {
  name: "A → B",
  from: "postgres",
  compares: "seconds",
  memory: 256,
  ways: [OURS, PIPE, SLING],
};

/** A way that took these seconds in rounds 1, 2 and on. */
function course(way: Way, rows: number, seconds: readonly number[], peak = 100): Course {
  const runs = new Map(seconds.map((value, at): [number, Run] => [at + 1, {
    code: 0,
    seconds: value,
    cpu: value / 2,
    peak,
    errors: "",
    server: value / 4,
  }]));
  // Only the number of rows is looked at.
  return { way, data: { rows } as Course["data"], runs, warmUp: seconds[0] ?? 1 };
}

const quiet = [
  { waited: 0.5, busy: 0.01, quiet: true },
  { waited: 30, busy: 0.9, quiet: false },
];

Deno.test("a report has medians, ratios of rounds, and whether they are reached", () => {
  const courses = [
    course(OURS, 1000, [2, 9, 4], 150),
    course(OURS, 100, [1, 1, 1], 130),
    course(PIPE, 1000, [2, 6, 4]),
    course(SLING, 1000, [4, 9, 4]),
  ];
  const report = makeReport({ path: PATH, courses, quiet });
  const [all, fewer, pipe, sling] = report.results;
  assert.deepEqual(all, {
    way: "dxt",
    role: "dxt",
    rows: 1000,
    rounds: 3,
    seconds: 4,
    client_cpu: 2,
    server_cpu: 1,
    peak_mib: 150,
  });
  assert.equal(fewer!.way, "dxt, a tenth of the rows");
  assert.deepEqual([pipe!.ratio, pipe!.at_most, pipe!.reached], [1, 1.15, true]);
  assert.deepEqual([sling!.ratio, sling!.at_most, sling!.reached], [1, 0.5, false]);
  assert.deepEqual(report.memory, { growth_mib: 20, peak_mib: 150, at_most: 256, reached: true });
  assert.deepEqual([report.busy_rounds, report.waited], [1, 30.5]);
});

Deno.test("memory is not flat when it grows, or is too much", () => {
  const memory = (all: number, fewer: number) =>
    makeReport({
      path: PATH,
      courses: [course(OURS, 1000, [1], all), course(OURS, 100, [1], fewer)],
      quiet: [],
    }).memory?.reached;
  assert.equal(memory(200, 168), true);
  assert.equal(memory(200, 167), false);
  assert.equal(memory(257, 250), false);
});

Deno.test("a way with a problem has no figures, and the problem is reported", () => {
  const failed = course(SLING, 1000, [1]);
  failed.problem = "failed: no license";
  const unverified = course(PIPE, 1000, [2, 2]);
  unverified.verified = false;
  const report = makeReport({
    path: PATH,
    courses: [course(OURS, 1000, [1, 1]), failed, unverified],
    quiet: [],
  });
  assert.deepEqual(report.results[1], {
    way: "sling",
    role: "peer",
    rows: 1000,
    rounds: 1,
    problem: "failed: no license",
  });
  assert.equal(
    formatReport(report),
    `A → B
       seconds  dxt ÷ it   at most  client CPU  server CPU  peak MiB  remarks
dxt       1.00                            0.50        0.25       100
sling                                                                 failed: no license
pipe      2.00      0.50  1.15 yes        1.00        0.50       100  rows not verified`,
  );
});

Deno.test("what is repeated is reported for one time, and CPU is compared where the path says so", () => {
  const path: Path = { name: "start", compares: "cpu", repeats: 10, ways: [OURS, PIPE] };
  const { results } = makeReport({
    path,
    courses: [course(OURS, 1, [6]), course(PIPE, 1, [2])],
    quiet: [],
  });
  assert.deepEqual([results[0]!.seconds, results[0]!.client_cpu], [0.6, 0.3]);
  assert.deepEqual([results[1]!.ratio, results[1]!.reached], [3, false]);
});

Deno.test("a peer that takes much longer than dxt is slow, a floor never", () => {
  const ours = course(OURS, 1, [1]);
  assert.ok(isSlow(course(SLING, 1, [5]), [ours]));
  assert.ok(!isSlow(course(SLING, 1, [4]), [ours]));
  assert.ok(!isSlow(course(PIPE, 1, [5]), [ours]));
});

Deno.test("of a program's errors the line that says most is reported", () => {
  const cases = [
    ["", undefined],
    ["psql: error: connection refused\nIs the server running?", "psql: error: connection refused"],
    [
      "\x1b[90m9:56AM\x1b[0m INF execution failed\nfatal:\n~ Unable to reach it\nno such host",
      "~ Unable to reach it",
    ],
    [
      'Traceback (most recent call last):\n  File "a.py", line 1\n    run()\nValueError: no rows',
      "ValueError: no rows",
    ],
    ["killed", "killed"],
  ] as const;
  for (const [errors, line] of cases) assert.equal(errorLine(errors), line);
});
