/** Locates the values of a record in its text, by key. */
import { CLOSE_OBJECT, COMMA, OPEN_OBJECT } from "../../../core/values/ascii.ts";
import { quoteValue } from "../../../core/errors.ts";
import { MAX_FIELDS } from "../../text/record_size.ts";
import {
  escapes,
  Malformed,
  skipColon,
  skipKey,
  skipSpace,
  skipValue,
  throwMalformed,
} from "../syntax/scan.ts";

/** Most keys to remember: maps whose keys differ from record to record would fill the memory. */
const MAX_KEYS = 16_384;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A key, and where its value is in the record scanned last. */
export class Key {
  /** Number of the last record that has the key. */
  record = 0;
  start = 0;
  end = 0;
  /** Whether the value contains escapes. */
  escaped = false;
  /** The key that followed this one the last time. */
  next: Key | undefined;

  constructor(
    readonly name: string,
    /** The key as first spelled, with quotes. */
    readonly spelling: Uint8Array,
  ) {}
}

/** Scans objects and records the positions of their values in the keys. */
export class RecordScanner {
  /** The keys of the last record, in order. */
  readonly keys: Key[] = [];
  readonly #known = new Map<string, Key>();
  readonly #wanted: readonly Key[];
  readonly #beforeFirst = new Key("", new Uint8Array());
  #record = 0;

  /**
   * @param wanted names of the keys available from {@linkcode wantedKey}
   * @param complete whether a record with any other key is refused
   */
  constructor(wanted: ReadonlySet<string> = new Set(), private readonly complete = false) {
    const utf8 = new TextEncoder();
    this.#wanted = [...wanted].map((name) => new Key(name, utf8.encode(JSON.stringify(name))));
    this.#forget();
  }

  /** Returns a wanted key; undefined for any other name. */
  wantedKey(name: string): Key | undefined {
    return this.#known.get(name);
  }

  /** Whether the last record has a key. */
  has(key: Key): boolean {
    return key.record === this.#record;
  }

  /** Scans a record. A property, so that `RecordSource` can call it without its object. */
  readonly scan = (bytes: Uint8Array, start: number, end: number): number => {
    if (bytes[start] !== OPEN_OBJECT) throwMalformed(bytes, start, end, "an object as record");
    if (this.#known.size > MAX_KEYS) this.#forget();
    this.#record++;
    this.keys.length = 0;
    let at = skipSpace(bytes, start + 1);
    if (bytes[at] === CLOSE_OBJECT) return at + 1;
    let before = this.#beforeFirst;
    for (;;) {
      let key = before.next;
      if (key !== undefined && startsWith(bytes, at, key.spelling)) {
        at += key.spelling.length;
      } else {
        const close = skipKey(bytes, at, end);
        key = before.next = this.#findKey(bytes, at, close);
        at = close;
      }
      if (key.record === this.#record) {
        throw new Malformed(`key ${quoteValue(key.name)} appears twice, expected it once`);
      }
      key.record = this.#record;
      key.start = skipColon(bytes, at, end);
      const escaped = escapes;
      key.end = skipValue(bytes, key.start, end, 1);
      key.escaped = escapes !== escaped;
      if (this.keys.push(key) > MAX_FIELDS) {
        throw new Malformed(`more than ${MAX_FIELDS} keys in a record, expected at most that many`);
      }
      before = key;
      at = skipSpace(bytes, key.end);
      if (bytes[at] === CLOSE_OBJECT) return at + 1;
      if (bytes[at] !== COMMA) throwMalformed(bytes, at, end, '"," or "}"');
      at = skipSpace(bytes, at + 1);
    }
  };

  #findKey(bytes: Uint8Array, start: number, end: number): Key {
    const name = keyName(bytes, start, end);
    let key = this.#known.get(name);
    if (key === undefined) {
      if (this.complete) {
        throw new Malformed(
          `key ${
            quoteValue(name)
          } is not among the fields of the first records (declare it in fields with its dtype, raise infer_rows, or leave it out with exclude or only_declared_fields)`,
        );
      }
      key = new Key(name, bytes.slice(start, end));
      this.#known.set(name, key);
    }
    return key;
  }

  #forget(): void {
    this.#known.clear();
    this.#beforeFirst.next = undefined;
    for (const key of this.#wanted) {
      key.next = undefined;
      this.#known.set(key.name, key);
    }
  }
}

function startsWith(bytes: Uint8Array, at: number, expected: Uint8Array): boolean {
  for (let i = 0; i < expected.length; i++) {
    if (bytes[at + i] !== expected[i]) return false;
  }
  return true;
}

/** Returns the name that a quoted key stands for. */
export function keyName(bytes: Uint8Array, start: number, end: number): string {
  const text = utf8.decode(bytes.subarray(start, end));
  if (!text.includes("\\")) return text.slice(1, -1);
  const name: string = JSON.parse(text);
  if (name.isWellFormed()) return name;
  throw new Malformed(`key ${quoteValue(text)} contains a lone surrogate, which UTF-8 cannot hold`);
}
