/** All families of faults, in the order in which the suite runs them. */
import type { Family } from "../outcome.ts";
import { CALLS } from "./calls.ts";
import { DEATHS } from "./deaths.ts";
import { DISKS } from "./disks.ts";
import { INPUTS } from "./inputs.ts";
import { MEMORY } from "./memory.ts";
import { PAIRS } from "./pairs.ts";
import { READERS } from "./readers.ts";
import { REPLIES } from "./replies.ts";
import { BAD_ROWS } from "./rows.ts";
import { SECRETS } from "./secrets.ts";
import { TIMES } from "./times.ts";
import { TYPES } from "./types.ts";
import { VALUES } from "./values.ts";

export const FAMILIES: readonly Family[] = [
  ...[CALLS, TIMES, PAIRS, REPLIES, READERS, DEATHS],
  ...[VALUES, BAD_ROWS, TYPES, DISKS, SECRETS, INPUTS, MEMORY],
];
