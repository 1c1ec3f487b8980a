/**
 * The global scope of untrusted code. This is defence in depth: the runtime enforces the worker's
 * permissions below all JavaScript. Removed here are ways that no permission guards: other threads
 * of the process, its arguments, working directory and output, and internals of the runtime.
 */

/** Allowed names; all others are removed, including those of later runtimes. */
const ALLOWED_GLOBALS = new Set([
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
  // The web, without workers, storage, screens and workers' own names.
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
  // Needed by packages that dxt itself uses; `process` is reduced below.
  ..."Deno process Buffer global self".split(" "),
]);

/** Allowed members of `Deno`: files, sockets and facts, all subject to permissions. */
const ALLOWED_DENO = new Set([
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

/** Allowed members of `process`: those that packages read, and that change and reveal nothing. */
const ALLOWED_PROCESS = [
  ..."version versions platform arch release nextTick hrtime uptime".split(" "),
  ..."memoryUsage features".split(" "),
];

/**
 * Freezes the prototypes of events and ports: a patched one would receive each event of dxt's own
 * port, and with it the port. Members of Object.prototype stay writable, since packages assign to
 * their names.
 */
function freezePrototypes(): void {
  for (const { prototype } of [EventTarget, Event, MessageEvent, MessagePort]) {
    Object.freeze(prototype);
  }
  Object.preventExtensions(Object.prototype);
}

/**
 * Closes this worker's copies of the standard streams; the host's stay open. They are its first
 * resources, so code that constructs a stream from a resource number could read, write or truncate
 * them.
 */
function closeStandardStreams(): void {
  const { stdin, stdout, stderr } = Deno;
  for (const stream of [stdin, stdout, stderr]) stream.close();
}

const { apply, construct, defineProperty, getOwnPropertyDescriptor, getPrototypeOf } = Reflect;
const { includes } = String.prototype;

/**
 * Refuses imports in code compiled from text. The runtime attributes such code to its caller; when
 * the runtime itself is the caller, its imports would be unrestricted. The word `import` cannot be
 * disguised, since keywords take no escapes.
 */
function guardCompiledText(): void {
  const kinds = [function () {}, async function () {}, function* () {}, async function* () {}];
  const guards = kinds.map((kind) => {
    const prototype = Object.getPrototypeOf(kind);
    const guard = guardConstructor(prototype.constructor, prototype);
    Object.defineProperty(prototype, "constructor", { value: guard });
    return guard;
  });
  const evaluate = eval;
  Object.assign(globalThis, {
    Function: guards[0],
    eval: (text: unknown) => typeof text === "string" ? evaluate(refuseImport(text)) : text,
  });
}

/** Wraps a constructor of functions so that it refuses text with imports. */
function guardConstructor(original: FunctionConstructor, prototype: object): object {
  function guard(this: unknown, ...texts: unknown[]): unknown {
    // Assigning to existing elements calls no setter of a prototype.
    for (let i = 0; i < texts.length; i++) texts[i] = refuseImport(`${texts[i]}`);
    return construct(original, texts, new.target ?? original);
  }
  return Object.defineProperty(guard, "prototype", { value: prototype, writable: false });
}

function refuseImport(text: string): string {
  if (apply(includes, text, ["import"])) {
    throw new EvalError("code compiled from text may not import");
  }
  return text;
}

/** Reduces the global scope for untrusted code; calls `write` with what the code prints. */
export function narrowGlobals(write: (text: string) => void): void {
  closeStandardStreams();
  freezePrototypes();
  guardCompiledText();
  const scope = globalThis as unknown as Record<string, unknown>;
  const replaced: Record<string, unknown> = {
    Deno: restrictDeno(),
    process: restrictProcess(scope["process"] as Record<string, unknown> | undefined),
    console: redirectConsole(write),
  };
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    // A name that cannot be deleted, such as the garbage collector of a V8 flag, becomes undefined.
    if (!ALLOWED_GLOBALS.has(name) && !Reflect.deleteProperty(scope, name)) scope[name] = undefined;
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

/** Classes of `Deno` whose instances own a resource. */
const RESOURCE_CLASSES = ["FsFile", "HttpClient"] as const;

/**
 * Returns a class that supports `instanceof` but cannot be constructed: the constructors of files,
 * sockets and clients accept any resource number of the worker.
 */
function blockConstructor({ name, prototype }: Class): object {
  function refuse(): never {
    throw new TypeError(`a ${name} cannot be constructed by untrusted code`);
  }
  defineProperty(refuse, "name", { value: name });
  defineProperty(refuse, "prototype", { value: prototype, writable: false });
  const fixed = { value: refuse, writable: false, configurable: false };
  defineProperty(prototype as object, "constructor", fixed);
  return refuse;
}

const { prototype: root } = Object;

/** Blocks the constructors of a socket's classes, which are exposed nowhere else. */
function sealClasses<T extends object>(socket: T): T {
  for (let at = getPrototypeOf(socket)!; at !== root; at = getPrototypeOf(at)!) {
    if (getOwnPropertyDescriptor(at, "constructor")!.configurable === false) break;
    blockConstructor(at.constructor as Class);
  }
  return socket;
}

function restrictDeno(): object {
  const members = Object.getOwnPropertyDescriptors(Deno);
  const restricted: Record<string, unknown> = {};
  for (const name of Object.keys(members)) {
    if (ALLOWED_DENO.has(name)) restricted[name] = Deno[name as keyof typeof Deno];
  }
  for (const name of RESOURCE_CLASSES) restricted[name] = blockConstructor(Deno[name]);
  const { connect, connectTls, startTls, createHttpClient, env, permissions } = Deno;
  restricted["connect"] = async (options: Deno.ConnectOptions) =>
    sealClasses(await connect(copyOptions(options, CONNECT_OPTIONS)));
  restricted["connectTls"] = async (options: Deno.ConnectTlsOptions) =>
    sealClasses(await connectTls(options));
  restricted["startTls"] = async (conn: Deno.TcpConn, options?: Deno.StartTlsOptions) =>
    sealClasses(await startTls(conn, options));
  restricted["createHttpClient"] = (options: Deno.CreateHttpClientOptions) =>
    createHttpClient(copyOptions(options, CLIENT_OPTIONS));
  restricted["env"] = readOnlyEnv(env);
  // Querying permissions changes nothing; requesting or revoking them would.
  restricted["permissions"] = Object.freeze({
    query: permissions.query.bind(permissions),
    querySync: permissions.querySync.bind(permissions),
  });
  // Programs read it before they write to a terminal, which a worker does not have.
  restricted["noColor"] = true;
  restricted["args"] = Object.freeze([]);
  return Object.freeze(restricted);
}

/**
 * Options that untrusted code may pass to the runtime. For some unstable ones, such as a transport
 * that was not enabled at start, the runtime ends the whole process.
 */
const CONNECT_OPTIONS = ["hostname", "port"];
const CLIENT_OPTIONS = [
  ..."caCerts cert key poolMaxIdlePerHost poolIdleTimeout http1 http2".split(" "),
];

/** Copies options, so that what was checked is what is used. */
function copyOptions<T extends object>(options: T, allowed: readonly string[]): T {
  const copy = Object.create(null);
  for (const name of Object.keys(options)) {
    if (!allowed.includes(name)) {
      throw new TypeError(`option "${name}" is not allowed in untrusted code`);
    }
    copy[name] = options[name as keyof T];
  }
  return copy;
}

/** Environment variables belong to the process: setting one would change it for all threads. */
function readOnlyEnv(env: typeof Deno.env): object {
  return Object.freeze({
    get: env.get.bind(env),
    has: env.has.bind(env),
    toObject: env.toObject.bind(env),
  });
}

function restrictProcess(process: Record<string, unknown> | undefined): object {
  const restricted: Record<string, unknown> = { argv: Object.freeze([]), browser: false };
  for (const name of ALLOWED_PROCESS) {
    const member = process?.[name];
    if (member === undefined) continue;
    restricted[name] = typeof member === "function" ? bindMember(member, process!) : member;
  }
  restricted["cwd"] = Deno.cwd;
  restricted["env"] = createEnvProxy(Deno.env);
  // Packages subscribe to the end of the process, which does not concern them here.
  for (
    const name of ["on", "once", "off", "addListener", "removeListener", "emit", "emitWarning"]
  ) {
    restricted[name] = () => restricted;
  }
  return Object.freeze(restricted);
}

function bindMember(member: unknown, owner: object): unknown {
  // deno-lint-ignore ban-types -- any function of the runtime.
  return Object.assign((member as Function).bind(owner), member);
}

/** Returns the environment variables by name; those without permission appear unset. */
function createEnvProxy(env: typeof Deno.env): object {
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

/** Returns a console that passes its text to dxt: the process's own output is for results. */
function redirectConsole(write: (text: string) => void): object {
  const { inspect } = Deno;
  const say = (...values: unknown[]) =>
    write(values.map((value) => typeof value === "string" ? value : inspect(value)).join(" "));
  const silent = () => {};
  const printing = ["debug", "error", "info", "log", "warn", "dir", "trace"];
  const silenced = [
    ..."assert clear count countReset dirxml group groupCollapsed groupEnd table".split(" "),
    ..."time timeEnd timeLog timeStamp".split(" "),
  ];
  return Object.freeze({
    ...Object.fromEntries(printing.map((name) => [name, say])),
    ...Object.fromEntries(silenced.map((name) => [name, silent])),
  });
}
