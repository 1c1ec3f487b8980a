/** Runs server processes that never outlive this one. */

/** An unprivileged user for servers that refuse to run as root. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

export interface ServerProcess {
  readonly pid: number;
  /** Resolves when the server has ended and its folder has been removed. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Shell script that runs the server, and signals it when standard input closes. The kernel closes it
 * even if the parent is killed, so that no orphan remains. A server that still runs after 10 s is
 * killed. Signals of the terminal are left to the parent.
 */
const WATCHDOG = `
trap '' INT TERM HUP
folder=$1; log=$2; signal=$3; shift 3
exec 3<&0
"$@" </dev/null >"$log" 2>&1 3<&- &
server=$!
{
  cat <&3 >/dev/null
  kill "-$signal" "$server"
  for _ in $(seq 100); do
    kill -0 "$server" || exit
    sleep 0.1
  done
  kill -KILL "$server"
} 2>/dev/null &
exec 3<&-
wait "$server"
rm -rf "$folder"
`;

/** The user to run servers as: the current user, or an unprivileged one if that is root. */
export async function serverUser(): Promise<User | undefined> {
  if (Deno.uid() !== 0) return undefined;
  const lines = (await Deno.readTextFile("/etc/passwd")).split("\n").map((line) => line.split(":"));
  for (const name of ["postgres", "nobody"]) {
    const line = lines.find(([user]) => user === name);
    if (line !== undefined) return { uid: Number(line[2]), gid: Number(line[3]) };
  }
  throw new Error("running as root, and /etc/passwd has neither postgres nor nobody");
}

/** Creates a temporary folder that belongs to the user. */
export async function ownedFolder(prefix: string, user: User | undefined): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix });
  if (user !== undefined) await Deno.chown(folder, user.uid, user.gid);
  return folder;
}

/** Runs a command to its end. @throws {Error} with its output when it fails */
export async function run(command: string, args: string[], user?: User): Promise<string> {
  const output = await new Deno.Command(command, {
    args,
    cwd: "/",
    stdout: "piped",
    stderr: "piped",
    ...user,
  }).output();
  const [stdout, stderr] = [output.stdout, output.stderr].map((b) => new TextDecoder().decode(b));
  if (!output.success) throw new Error(`${command} failed: ${(stderr || stdout)!.trim()}`);
  return stdout!;
}

/** Folder, user and stop signal of a server. */
export interface ServerFiles {
  readonly folder: string;
  readonly log: string;
  readonly user: User | undefined;
  readonly signal?: "INT" | "TERM";
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a server. It ends, and its `folder` is deleted, at the latest when this process ends. */
export function startServer(
  command: string,
  args: string[],
  { folder, log, user, signal = "INT", env = {} }: ServerFiles,
): ServerProcess {
  const child = new Deno.Command("/bin/sh", {
    args: ["-c", WATCHDOG, "watchdog", folder, log, signal, command, ...args],
    cwd: "/",
    env: { ...env },
    stdin: "piped",
    stdout: "null",
    stderr: "null",
    ...user,
  }).spawn();
  child.unref();
  const ended = child.status.then(() => {});
  let stopping: Promise<void> | undefined;
  return {
    pid: child.pid,
    ended,
    stop() {
      child.ref();
      stopping ??= child.stdin.close().then(() => ended);
      return stopping;
    },
  };
}

/** A port of 127.0.0.1 that was free a moment ago. */
export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}

/** Waits until the log contains a text: a port may be open before the server accepts logins. */
export async function waitForLog(server: ServerProcess, log: string, words: string): Promise<void> {
  let ended = false;
  server.ended.then(() => ended = true);
  const deadline = Date.now() + 60_000;
  let said = "";
  while (!said.includes(words)) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    said = await Deno.readTextFile(log).catch(() => said);
    if (!ended && Date.now() < deadline) continue;
    await server.stop();
    throw new Error(`the server did not start: ${said.trim().slice(-500)}`);
  }
}

/** Writes a file that only its owner can read. */
export async function writeOwned(
  path: string,
  text: string,
  user: User | undefined,
): Promise<void> {
  await Deno.writeTextFile(path, text, { mode: 0o600 });
  if (user !== undefined) await Deno.chown(path, user.uid, user.gid);
}
