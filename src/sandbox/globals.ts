/**
 * The global scope that external code sees. This is depth, not a boundary: what the thread may reach
 * is decided by its permissions, which the runtime enforces below all JavaScript. What is taken away
 * here are doors that no permission guards: other threads of the process, its arguments, its working
 * directory, its output, the runtime's own insides.
 */

/** Names that stay; all that is not in this list goes, whatever later runtimes add. */
const KEPT = new Set([
  // The language.
  ..."Object Function Array Number parseFloat parseInt Infinity NaN undefined Boolean String".split(
    " ",
  ),
  ..."Symbol Date Promise RegExp Error AggregateError EvalError RangeError ReferenceError".split(
    " ",
  ),
  ..."SyntaxError TypeError URIError SuppressedError globalThis JSON Math Intl ArrayBuffer".split(
    " ",
  ),
  ..."SharedArrayBuffer Atomics DataView Map BigInt Set Iterator WeakMap WeakSet WeakRef".split(
    " ",
  ),
  ..."Proxy Reflect FinalizationRegistry Temporal DisposableStack AsyncDisposableStack".split(" "),
  ..."decodeURI decodeURIComponent encodeURI encodeURIComponent escape unescape eval".split(" "),
  ..."isFinite isNaN Uint8Array Int8Array Uint16Array Int16Array Uint32Array Int32Array".split(" "),
  ..."Float16Array Float32Array Float64Array Uint8ClampedArray BigUint64Array".split(" "),
  ..."BigInt64Array WebAssembly".split(" "),
  // The web, without threads, stores, screens and workers' own names.
  ..."console queueMicrotask AbortController AbortSignal Blob File FormData Headers".split(" "),
  ..."Request Response fetch URL URLPattern URLSearchParams TextDecoder TextEncoder".split(" "),
  ..."TextDecoderStream TextEncoderStream CompressionStream DecompressionStream".split(" "),
  ..."ReadableStream ReadableStreamDefaultReader ReadableStreamDefaultController".split(" "),
  ..."ReadableByteStreamController ReadableStreamBYOBReader ReadableStreamBYOBRequest".split(" "),
  ..."WritableStream WritableStreamDefaultWriter WritableStreamDefaultController".split(" "),
  ..."TransformStream TransformStreamDefaultController ByteLengthQueuingStrategy".split(" "),
  ..."CountQueuingStrategy Event EventTarget CustomEvent ErrorEvent CloseEvent".split(" "),
  ..."ProgressEvent DOMException MessageEvent PromiseRejectionEvent WebSocket".split(" "),
  ..."EventSource atob btoa structuredClone crypto Crypto CryptoKey SubtleCrypto".split(" "),
  ..."performance Performance setTimeout clearTimeout setInterval clearInterval".split(" "),
  ..."setImmediate clearImmediate".split(" "),
  // Asked for by packages that dxt itself uses; `process` is made small below.
  ..."Deno process Buffer global self".split(" "),
]);

/** Members of `Deno` that stay: files, sockets and facts, each of which the permissions decide on. */
const KEPT_OF_DENO = new Set([
  ..."build version errors inspect SeekMode FsFile memoryUsage".split(" "),
  ..."open openSync create createSync readFile readFileSync readTextFile readTextFileSync".split(
    " ",
  ),
  ..."writeFile writeFileSync writeTextFile writeTextFileSync readDir readDirSync".split(" "),
  ..."stat statSync lstat lstatSync realPath realPathSync readLink readLinkSync".split(" "),
  ..."mkdir mkdirSync remove removeSync rename renameSync copyFile copyFileSync".split(" "),
  ..."truncate truncateSync makeTempDir makeTempDirSync makeTempFile makeTempFileSync".split(" "),
  ..."chmod chmodSync utime utimeSync cwd".split(" "),
  ..."connect connectTls startTls resolveDns createHttpClient HttpClient".split(" "),
]);

/** Members of `process` that packages look at, and that neither change nor tell of anything. */
const KEPT_OF_PROCESS = [
  ..."version versions platform arch release nextTick hrtime uptime".split(" "),
  ..."memoryUsage features".split(" "),
];

/**
 * Whoever could change these would see each event of dxt's own port, and have the port from it.
 * Object.prototype is left open to changes, since packages assign to names that it has.
 */
function fixPrototypes(): void {
  for (const { prototype } of [EventTarget, Event, MessageEvent, MessagePort]) {
    Object.freeze(prototype);
  }
  Object.preventExtensions(Object.prototype);
}

/**
 * A worker's table of resources begins with the three streams of the process. Whoever finds a class
 * or a stream that takes the number of a resource would write to them, read or truncate them; closed
 * in this worker, they stay open in the host.
 */
function closeStandardStreams(): void {
  const { stdin, stdout, stderr } = Deno;
  for (const stream of [stdin, stdout, stderr]) stream.close();
}

const { apply, construct, defineProperty, getOwnPropertyDescriptor, getPrototypeOf } = Reflect;
const { includes } = String.prototype;

/**
 * Code that is made of text is taken for the code of whoever makes it: called back by the runtime
 * itself, that is the runtime, whose imports are its own. So text may not import. The word cannot be
 * written in another way: keywords take no escapes.
 */
function guardCodeOfText(): void {
  const kinds = [function () {}, async function () {}, function* () {}, async function* () {}];
  const guards = kinds.map((kind) => {
    const prototype = Object.getPrototypeOf(kind);
    const guard = guarded(prototype.constructor, prototype);
    Object.defineProperty(prototype, "constructor", { value: guard });
    return guard;
  });
  const evaluate = eval;
  Object.assign(globalThis, {
    Function: guards[0],
    eval: (text: unknown) => typeof text === "string" ? evaluate(withoutImport(text)) : text,
  });
}

/** A constructor of functions, for text that imports nothing. */
function guarded(original: FunctionConstructor, prototype: object): object {
  function guard(this: unknown, ...texts: unknown[]): unknown {
    // Elements that are there already: to set them asks no prototype.
    for (let i = 0; i < texts.length; i++) texts[i] = withoutImport(`${texts[i]}`);
    return construct(original, texts, new.target ?? original);
  }
  return Object.defineProperty(guard, "prototype", { value: prototype, writable: false });
}

function withoutImport(text: string): string {
  if (apply(includes, text, ["import"])) throw new EvalError("code of text may not import");
  return text;
}

/** Takes away what external code must not see; `write` hears what it prints. */
export function narrowGlobals(write: (text: string) => void): void {
  closeStandardStreams();
  fixPrototypes();
  guardCodeOfText();
  const scope = globalThis as unknown as Record<string, unknown>;
  const replaced: Record<string, unknown> = {
    Deno: smallDeno(),
    process: smallProcess(scope["process"] as Record<string, unknown> | undefined),
    console: quietConsole(write),
  };
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    // What cannot be taken away, as the collector that a flag of V8 lends, is at least no function.
    if (!KEPT.has(name) && !Reflect.deleteProperty(scope, name)) scope[name] = undefined;
  }
  for (const [name, value] of Object.entries(replaced)) {
    Object.defineProperty(globalThis, name, {
      value,
      writable: false,
      enumerable: false,
      configurable: false,
    });
  }
}

type Class = abstract new (...args: never[]) => unknown;

/** Classes of `Deno` whose instances hold a resource. */
const RESOURCE_CLASSES = ["FsFile", "HttpClient"] as const;

/**
 * The same class for `instanceof`, without a way to make an instance: the constructors of files,
 * sockets and clients take the number of any resource of the worker.
 */
function unconstructible({ name, prototype }: Class): object {
  function refuse(): never {
    throw new TypeError(`a ${name} cannot be constructed by external code`);
  }
  defineProperty(refuse, "name", { value: name });
  defineProperty(refuse, "prototype", { value: prototype, writable: false });
  const fixed = { value: refuse, writable: false, configurable: false };
  defineProperty(prototype as object, "constructor", fixed);
  return refuse;
}

const { prototype: root } = Object;

/** The same socket; its classes, which the runtime shows nowhere else, can make no other. */
function sealClasses<T extends object>(socket: T): T {
  for (let at = getPrototypeOf(socket)!; at !== root; at = getPrototypeOf(at)!) {
    if (getOwnPropertyDescriptor(at, "constructor")!.configurable === false) break;
    unconstructible(at.constructor as Class);
  }
  return socket;
}

function smallDeno(): object {
  const members = Object.getOwnPropertyDescriptors(Deno);
  const small: Record<string, unknown> = {};
  for (const name of Object.keys(members)) {
    if (KEPT_OF_DENO.has(name)) small[name] = Deno[name as keyof typeof Deno];
  }
  for (const name of RESOURCE_CLASSES) small[name] = unconstructible(Deno[name]);
  const { connect, connectTls, startTls, createHttpClient, env, permissions } = Deno;
  small["connect"] = async (options: Deno.ConnectOptions) =>
    sealClasses(await connect(checked(options, CONNECT_OPTIONS)));
  small["connectTls"] = async (options: Deno.ConnectTlsOptions) =>
    sealClasses(await connectTls(options));
  small["startTls"] = async (conn: Deno.TcpConn, options?: Deno.StartTlsOptions) =>
    sealClasses(await startTls(conn, options));
  small["createHttpClient"] = (options: Deno.CreateHttpClientOptions) =>
    createHttpClient(checked(options, CLIENT_OPTIONS));
  small["env"] = readOnlyEnv(env);
  // To ask what is granted changes nothing; to request or to revoke would.
  small["permissions"] = Object.freeze({
    query: permissions.query.bind(permissions),
    querySync: permissions.querySync.bind(permissions),
  });
  // Programs ask it before they write to a terminal; there is none here.
  small["noColor"] = true;
  small["args"] = Object.freeze([]);
  return Object.freeze(small);
}

/**
 * Options that the runtime may be given. It ends the whole process for some that it takes to be
 * unstable, such as a transport that it was not started for.
 */
const CONNECT_OPTIONS = ["hostname", "port"];
const CLIENT_OPTIONS = [
  ..."caCerts cert key poolMaxIdlePerHost poolIdleTimeout http1 http2".split(" "),
];

/** A copy, so that what was looked at is what is used. */
function checked<T extends object>(options: T, allowed: readonly string[]): T {
  const copy = Object.create(null);
  for (const name of Object.keys(options)) {
    if (!allowed.includes(name)) throw new TypeError(`option "${name}" is not for external code`);
    copy[name] = options[name as keyof T];
  }
  return copy;
}

/** Variables are those of the whole process: to set one would change it for all threads. */
function readOnlyEnv(env: typeof Deno.env): object {
  return Object.freeze({
    get: env.get.bind(env),
    has: env.has.bind(env),
    toObject: env.toObject.bind(env),
  });
}

function smallProcess(process: Record<string, unknown> | undefined): object {
  const small: Record<string, unknown> = { argv: Object.freeze([]), browser: false };
  for (const name of KEPT_OF_PROCESS) {
    const member = process?.[name];
    if (member === undefined) continue;
    small[name] = typeof member === "function" ? bound(member, process!) : member;
  }
  small["cwd"] = Deno.cwd;
  small["env"] = lookedUp(Deno.env);
  // Packages wait for an end that is not theirs to see.
  for (
    const name of ["on", "once", "off", "addListener", "removeListener", "emit", "emitWarning"]
  ) {
    small[name] = () => small;
  }
  return Object.freeze(small);
}

function bound(member: unknown, owner: object): unknown {
  // deno-lint-ignore ban-types -- any function of the runtime.
  return Object.assign((member as Function).bind(owner), member);
}

/** Variables by name; those that may not be read are not there. */
function lookedUp(env: typeof Deno.env): object {
  const get = env.get.bind(env);
  const look = (name: string | symbol) => {
    if (typeof name === "symbol") return undefined;
    try {
      return get(name);
    } catch {
      return undefined;
    }
  };
  return new Proxy(Object.create(null), {
    get: (_, name) => look(name),
    has: (_, name) => look(name) !== undefined,
    set: () => false,
    deleteProperty: () => false,
    defineProperty: () => false,
  });
}

/** A console whose words go to dxt: the process's own output is for results. */
function quietConsole(write: (text: string) => void): object {
  const { inspect } = Deno;
  const say = (...values: unknown[]) =>
    write(values.map((value) => typeof value === "string" ? value : inspect(value)).join(" "));
  const silent = () => {};
  const said = ["debug", "error", "info", "log", "warn", "dir", "trace"];
  const unsaid = [
    ..."assert clear count countReset dirxml group groupCollapsed groupEnd table".split(" "),
    ..."time timeEnd timeLog timeStamp".split(" "),
  ];
  return Object.freeze({
    ...Object.fromEntries(said.map((name) => [name, say])),
    ...Object.fromEntries(unsaid.map((name) => [name, silent])),
  });
}
