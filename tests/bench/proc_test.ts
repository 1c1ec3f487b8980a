import assert from "node:assert/strict";
import { parseMachineTime, parseMemory, parseStat } from "../../scripts/bench/proc.ts";

Deno.test("a process's line tells parent and CPU, whatever its name is", () => {
  const rest = "S 41 42 42 0 -1 4194560 4205 98 0 0 150 25 700 40 20 0 1 0 123 9 8";
  for (const name of ["postgres", "a b", "x) S 7 (y"]) {
    assert.deepEqual(parseStat(`42 (${name}) ${rest}`), {
      pid: 42,
      parent: 41,
      own: 1.75,
      reaped: 7.4,
    });
  }
});

Deno.test("a status tells memory now and at its peak, a kernel thread's has none", () => {
  const status = "Name:\tx\nVmPeak:\t  9999 kB\nVmHWM:\t  2048 kB\nVmRSS:\t   512 kB\n";
  assert.deepEqual(parseMemory(status), { now: 0.5, peak: 2 });
  assert.deepEqual(parseMemory("Name:\tkthreadd\n"), { now: 0, peak: 0 });
});

Deno.test("time that waits for disks is idle, time that another machine took is busy", () => {
  const text = "cpu  10 1 5 100 20 2 3 7 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n";
  assert.deepEqual(parseMachineTime(text), { busy: 28, all: 148 });
  assert.deepEqual(parseMachineTime("cpu 10 1 5 100 20 2 3\n"), { busy: 21, all: 141 });
});
