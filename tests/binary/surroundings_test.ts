// deno-lint-ignore-file no-console
/** Where the binary may be started, and what it touches there. */
import assert from "node:assert/strict";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { binaryTest, type Outcome, outcomeOf } from "../support/binary.ts";
import { ignoreIf, notLinux, notRoot } from "../support/ignore.ts";
import { withFolder } from "../support/run.ts";

const PIPELINES = fileURLToPath(new URL("../../pipelines/", import.meta.url));

const { path: dxt, missing } = binaryTest();

function compiled(name: string, fn: (folder: string) => Promise<void>, why?: string): void {
  Deno.test({
    ...ignoreIf(missing ?? notLinux ?? why, `the binary ${name}`),
    fn: () => withFolder(fn),
  });
}

const shell = (script: string, ...args: string[]): Promise<Outcome> =>
  outcomeOf(["/bin/sh", "-c", script, "sh", dxt, ...args], { cwd: "/" });

/** Copies the quickstart, with which nothing else is in the folder. */
async function quickstart(folder: string): Promise<string> {
  await Deno.mkdir(join(folder, "out"));
  await Deno.copyFile(join(PIPELINES, "quickstart.yaml"), join(folder, "quickstart.yaml"));
  const { code, err } = await outcomeOf([
    "/bin/cp",
    "-r",
    join(PIPELINES, "data"),
    join(folder, "data"),
  ]);
  assert.equal(code, 0, err);
  return join(folder, "quickstart.yaml");
}

compiled("starts with every standard stream closed", async (folder) => {
  const pipeline = await quickstart(folder);
  const { code } = await shell('exec "$1" run "$2" <&- >&- 2>&-', pipeline);
  assert.equal(code, 0);
  assert.ok((await Deno.stat(join(folder, "out/quickstart.db"))).size > 0);
});

compiled("starts in a folder that its user may not read", async (folder) => {
  const closed = join(folder, "closed");
  await Deno.mkdir(closed);
  await Deno.chmod(folder, 0o755);
  await Deno.writeTextFile(
    join(folder, "p.yaml"),
    '{ version: 1, name: p, source: "sqlite:a.db", target: "sqlite:b.db", streams: [{ id: t, source: t }] }',
  );
  const { code, out, err } = await shell(
    'cd "$2" && chmod 000 . && exec setpriv --reuid=65532 --regid=65532 --clear-groups "$1" list ../p.yaml -q',
    closed,
  );
  // A relative path starts at a folder that nobody may look into.
  assert.equal(code, 2, out);
  assert.match(err, /^error: Cannot read pipeline "\.\.\/p\.yaml": permission denied\n$/);
  const absolute = await shell(
    'cd "$2" && exec setpriv --reuid=65532 --regid=65532 --clear-groups "$1" list "$3" -q',
    closed,
    join(folder, "p.yaml"),
  );
  assert.equal(absolute.code, 0, absolute.err);
}, notRoot());

compiled("is told by its runtime when its folder is gone", async (folder) => {
  const { code, out, err } = await shell(
    'mkdir "$2" && cd "$2" && rmdir "$2" && "$1" --version',
    join(folder, "gone"),
  );
  // The runtime ends before dxt begins: nothing has happened, and nothing can be done about it.
  assert.deepEqual([code, out], [1, ""]);
  assert.match(err, /No such file or directory/);
});

/** Paths of calls that make, change, rename or remove something, from what `strace -y` wrote. */
function touched(log: string): string[] {
  const paths = log.split("\n").flatMap((line) => {
    if (/ = -1 /.test(line)) return [];
    const call = /^\d+ +(\w+)\((.*)$/.exec(line);
    if (call === null) return [];
    const [, name, args] = call as unknown as [string, string, string];
    const writes = name.startsWith("open")
      ? /O_(CREAT|WRONLY|RDWR|TRUNC|APPEND)/.test(args)
      : /^(mkdir|rename|unlink|rmdir|link|symlink|truncate|chmod|fchmodat|creat|mknod|utime)/
        .test(name);
    if (!writes) return [];
    return [...args.matchAll(/(?:\d+<([^>]*)>, )?"([^"]*)"/g)]
      .map(([, folder = "", path]) => resolve(folder, path!));
  });
  return [...new Set(paths)].sort();
}

const noStrace = await Deno.stat("/usr/bin/strace").then(() => undefined, () => "needs strace");

compiled("writes below the folders that the pipeline names, and nowhere else", async (folder) => {
  const [pipeline, log] = [await quickstart(folder), join(folder, "strace.log")];
  const home = join(folder, "home");
  await Deno.mkdir(home);
  const { code, err } = await outcomeOf(
    [
      "/usr/bin/strace",
      "-f",
      "-qq",
      "-y",
      "-s",
      "4096",
      "-e",
      "trace=%file",
      "-o",
      log,
      dxt,
      "run",
      pipeline,
    ],
    { cwd: "/", env: { HOME: home, TMPDIR: home } },
  );
  assert.equal(code, 0, err);
  const paths = touched(await Deno.readTextFile(log)).map((path) => path.replace(`${folder}/`, ""));
  const others = paths.filter((path) => !/^(out\/quickstart\.db|\.dxt)/.test(path));
  assert.deepEqual(others, []);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(home)), []);
  const kinds = new Set(paths.map((path) => path.replace(/^(\.dxt\/stage\/).*/, "$1…")));
  console.log(`paths written or removed: ${[...kinds].join(", ")}`);
}, noStrace);

compiled("reads of the system only what a program needs to start", async (folder) => {
  const [pipeline, log] = [await quickstart(folder), join(folder, "strace.log")];
  const { code, err } = await outcomeOf(
    [
      "/usr/bin/strace",
      "-f",
      "-qq",
      "-y",
      "-s",
      "4096",
      "-e",
      "trace=%file",
      "-o",
      log,
      dxt,
      "list",
      pipeline,
    ],
    { cwd: "/" },
  );
  assert.equal(code, 0, err);
  const text = await Deno.readTextFile(log);
  const paths = [...text.matchAll(/"(\/[^"]*)"/g)].map((match) => match[1]!);
  // Without HOME the runtime asks the system's list of users for it.
  const system =
    /^\/(proc|sys|dev|lib|lib64|usr\/lib|usr\/share\/zoneinfo)\b|^\/etc\/(ld\.so|localtime|nsswitch|passwd)/;
  const own = new Set(
    folder.split("/").map((_, i, parts) => parts.slice(0, i + 1).join("/") || "/"),
  );
  const others = paths.filter((path) =>
    ![dxt, dirname(dxt)].includes(path) && !system.test(path) && !path.startsWith(`${folder}/`) &&
    // The project file is looked for in the folders above.
    !own.has(path.replace(/\/?(dxt_project\.ya?ml)?$/, "") || "/")
  );
  assert.deepEqual([...new Set(others)], []);
}, noStrace);
