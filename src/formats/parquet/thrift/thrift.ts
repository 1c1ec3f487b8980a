/**
 * Reads Thrift's compact protocol into a tree and writes it, as far as Parquet uses it.
 * Format: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */

/** Types on the wire. */
const TRUE = 1;
const FALSE = 2;
export const BYTE = 3;
export const I16 = 4;
const DOUBLE = 7;
export const LIST = 9;
const SET = 10;
const MAP = 11;
export const STRUCT = 12;
export const I32 = 5;
export const I64 = 6;
export const BINARY = 8;

/** Nesting limit, deeper than any real footer: hostile input must not exhaust the stack. */
const MAX_DEPTH = 32;

export type ThriftValue = boolean | number | Uint8Array | ThriftList | ThriftStruct | EncodedStruct;

export interface ThriftList {
  readonly element: number;
  readonly items: ThriftValue[];
}

interface ThriftField {
  readonly type: number;
  readonly value: ThriftValue;
}

/** A struct that is already encoded, so that it need not stay in memory as a tree. */
export class EncodedStruct {
  constructor(readonly bytes: Uint8Array) {}
}

export class ThriftError extends Error {}

/** Keeps a byte order mark: it may be part of a name. */
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** A struct as a map from field number to value. */
export class ThriftStruct {
  readonly fields = new Map<number, ThriftField>();

  get(id: number): ThriftValue | undefined {
    return this.fields.get(id)?.value;
  }

  number(id: number): number | undefined {
    const value = this.get(id);
    return typeof value === "number" ? value : undefined;
  }

  text(id: number): string | undefined {
    const value = this.get(id);
    return value instanceof Uint8Array ? utf8.decode(value) : undefined;
  }

  struct(id: number): ThriftStruct | undefined {
    const value = this.get(id);
    return value instanceof ThriftStruct ? value : undefined;
  }

  structs(id: number): ThriftStruct[] {
    const value = this.get(id);
    if (value === undefined || typeof value !== "object" || !("items" in value)) return [];
    return value.items.filter((item) => item instanceof ThriftStruct);
  }

  set(id: number, type: number, value: ThriftValue): this {
    this.fields.set(id, { type, value });
    return this;
  }

  setText(id: number, text: string): this {
    return this.set(id, BINARY, new TextEncoder().encode(text));
  }

  setStructs(id: number, items: (ThriftStruct | EncodedStruct)[]): this {
    return this.set(id, LIST, { element: STRUCT, items });
  }

  setFlag(id: number, value: boolean): this {
    return this.set(id, TRUE, value);
  }

  flag(id: number): boolean | undefined {
    const value = this.get(id);
    return typeof value === "boolean" ? value : undefined;
  }

  setStruct(id: number, value: ThriftStruct): this {
    return this.set(id, STRUCT, value);
  }

  /** Returns a struct of these fields only. */
  pick(...ids: number[]): ThriftStruct {
    const picked = new ThriftStruct();
    for (const id of ids) {
      const field = this.fields.get(id);
      if (field !== undefined) picked.fields.set(id, field);
    }
    return picked;
  }
}

/** @throws {ThriftError} when the bytes are not a struct */
export function decodeStruct(bytes: Uint8Array): ThriftStruct {
  return new Decoder(bytes).struct(0);
}

/**
 * Like {@linkcode decodeStruct}, but allows bytes behind the struct; returns its size.
 *
 * @throws {ThriftError} when the bytes do not begin with a struct
 */
export function decodePrefix(bytes: Uint8Array): { struct: ThriftStruct; size: number } {
  const decoder = new Decoder(bytes);
  const struct = decoder.struct(0);
  return { struct, size: decoder.at };
}

class Decoder {
  #at = 0;
  readonly #view: DataView;

  constructor(private readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get at(): number {
    return this.#at;
  }

  struct(depth: number): ThriftStruct {
    if (depth > MAX_DEPTH) throw new ThriftError("structs are nested too deep");
    const struct = new ThriftStruct();
    let id = 0;
    while (true) {
      const head = this.#byte();
      const type = head & 15;
      if (head === 0) return struct;
      id = head >> 4 === 0 ? this.#signed() : id + (head >> 4);
      const value = type === TRUE ? true : type === FALSE ? false : this.#value(type, depth);
      struct.fields.set(id, { type, value });
    }
  }

  #value(type: number, depth: number): ThriftValue {
    switch (type) {
      case TRUE:
      case FALSE:
        return this.#byte() === TRUE;
      case BYTE:
        return this.#byte() << 24 >> 24;
      case I16:
      case I32:
      case I64:
        return this.#signed();
      case DOUBLE:
        this.#require(8);
        return this.#view.getFloat64((this.#at += 8) - 8, true);
      case BINARY: {
        const size = this.#unsigned();
        this.#require(size);
        return this.bytes.subarray(this.#at, this.#at += size);
      }
      case LIST:
      case SET: {
        const head = this.#byte();
        const size = head >> 4 === 15 ? this.#unsigned() : head >> 4;
        // Each element takes at least one byte, so this bounds the list.
        this.#require(size);
        const element = head & 15;
        return {
          element,
          items: Array.from({ length: size }, () => this.#element(element, depth)),
        };
      }
      case STRUCT:
        return this.struct(depth + 1);
      default:
        throw new ThriftError(type === MAP ? "unexpected map" : `unknown type ${type}`);
    }
  }

  #element(type: number, depth: number): ThriftValue {
    if (depth > MAX_DEPTH) throw new ThriftError("lists are nested too deep");
    return this.#value(type, depth + 1);
  }

  #require(size: number): void {
    if (size > this.bytes.length - this.#at) throw new ThriftError("unexpected end");
  }

  #byte(): number {
    this.#require(1);
    return this.bytes[this.#at++]!;
  }

  /** Reads a varint; a valid footer has no number beyond 2^53. */
  #unsigned(): number {
    let value = 0;
    for (let power = 1; power <= 2 ** 63; power *= 128) {
      const byte = this.#byte();
      value += (byte & 127) * power;
      if (byte < 128) {
        if (value > Number.MAX_SAFE_INTEGER) throw new ThriftError("number out of range");
        return value;
      }
    }
    throw new ThriftError("number out of range");
  }

  #signed(): number {
    const zigzag = this.#unsigned();
    return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
  }
}

/** Encodes a struct; sorts its fields by number and keeps the order of lists. */
export function encodeStruct(struct: ThriftStruct): Uint8Array {
  const encoder = new Encoder();
  encoder.struct(struct);
  return encoder.take();
}

class Encoder {
  #bytes = new Uint8Array(1024);
  #at = 0;

  take(): Uint8Array {
    return this.#bytes.slice(0, this.#at);
  }

  struct(struct: ThriftStruct): void {
    let last = 0;
    for (const [id, { type, value }] of [...struct.fields].sort(([a], [b]) => a - b)) {
      const wire = typeof value === "boolean" ? (value ? TRUE : FALSE) : type;
      if (id > last && id - last <= 15) {
        this.#byte((id - last) << 4 | wire);
      } else {
        this.#byte(wire);
        this.#signed(id);
      }
      if (typeof value !== "boolean") this.#value(type, value);
      last = id;
    }
    this.#byte(0);
  }

  #value(type: number, value: ThriftValue): void {
    if (value instanceof EncodedStruct) return this.#raw(value.bytes);
    if (value instanceof ThriftStruct) return this.struct(value);
    if (value instanceof Uint8Array) {
      this.#unsigned(value.length);
      return this.#raw(value);
    }
    if (typeof value === "boolean") return this.#byte(value ? TRUE : FALSE);
    if (typeof value === "number") {
      if (type === BYTE) return this.#byte(value & 255);
      if (type === DOUBLE) return this.#raw(new Uint8Array(Float64Array.of(value).buffer));
      return this.#signed(value);
    }
    const { element, items } = value;
    if (items.length < 15) {
      this.#byte(items.length << 4 | element);
    } else {
      this.#byte(0xf0 | element);
      this.#unsigned(items.length);
    }
    for (const item of items) this.#value(element, item);
  }

  #raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value;
  }

  #unsigned(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.#byte(rest % 128 | 128);
      rest = Math.floor(rest / 128);
    }
    this.#byte(rest);
  }

  #signed(value: number): void {
    this.#unsigned(value < 0 ? -value * 2 - 1 : value * 2);
  }

  #reserve(size: number): void {
    if (this.#at + size <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + size));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
  }
}
