/** A COMMIT reaches the server and its reply is lost; the run then goes on, or is run again. */
import assert from "node:assert/strict";
import { dropCommitReply } from "../lossy_proxy.ts";
import { type Family, observe, type Outcome, type Scope } from "../outcome.ts";
import { type Case, describeCase, isPossible, withTrial } from "../trial.ts";

const TARGETS = ["postgres", "mysql"] as const;
const COUNT = 100;
const SHORT_COUNT = 4;

export const REPLIES: Family = {
  name: "replies",
  title: "reply to COMMIT lost, then run again",
  run,
};

async function* run(scope: Scope): AsyncIterable<Outcome> {
  const count = scope.isShort ? SHORT_COUNT : COUNT;
  for (let number = 0; number < count; number++) {
    const target = TARGETS[number % TARGETS.length]!;
    const settings: Case = {
      ...{ source: "csv", target, mode: "append", rows: 2000 } as const,
      exists: Math.floor(number / TARGETS.length) % 2 === 0,
    };
    if (!isPossible(settings, scope.systems)) continue;
    const name = `${describeCase(settings)}: ${number}`;
    // Half of the runs may not try again by themselves.
    const env: Record<string, string> = number % 4 < 2 ? { DXT_RETRIES: "0" } : {};
    yield await observe(REPLIES.name, name, () => loseReply(settings, env, scope));
  }
}

function loseReply(settings: Case, env: Record<string, string>, scope: Scope): Promise<string> {
  return withTrial(settings, scope, async (trial) => {
    const { target } = settings as { readonly target: (typeof TARGETS)[number] };
    const port = Number(new URL(scope.systems[target]!.url).port);
    await using proxy = dropCommitReply(port);
    trial.through[target] = { port: proxy.port, keys: { sslmode: "disable" } };
    const place = await trial.place("a");
    const ended = await trial.runToEnd(place, env);
    assert.ok(proxy.hasDropped(), "no COMMIT was seen");
    const codes = await trial.resume(place, ended);
    await trial.check(1, [place]);
    return `${ended.code}${codes.length > 0 ? `, then ${codes.join(" ")}` : ""}`;
  });
}
