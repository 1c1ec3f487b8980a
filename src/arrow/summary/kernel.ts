/** The functions of `kernel.as` over columns: their memory, and what is copied there. */
import { KERNEL } from "./kernel.gen.ts";

/** Address and size of what the kernel may use, in bytes. */
type Address = number;

interface Exports {
  readonly memory: WebAssembly.Memory;
  hash32(values: Address, length: number, bits: Address, lanes: Address): bigint;
  hash64(values: Address, width: number, length: number, bits: Address, lanes: Address): bigint;
  hashFloats(values: Address, size: number, length: number, bits: Address, lanes: Address): bigint;
  hashBits(values: Address, length: number, bits: Address, lanes: Address): bigint;
  hashBytes(
    values: Address,
    offsets: Address,
    from: number,
    to: number,
    bits: Address,
    lanes: Address,
  ): bigint;
  sumLengths(offsets: Address, length: number, bits: Address): bigint;
  beginBytes(length: bigint): bigint;
  absorbBytes(state: bigint, at: Address, end: Address): bigint;
  endBytes(state: bigint, row: number, lanes: Address): bigint;
  sumRows(lanes: Address, length: number): bigint;
  totalIntegers(
    values: Address,
    size: number,
    flip: bigint,
    length: number,
    bits: Address,
    out: Address,
  ): number;
  totalDecimals(values: Address, length: number, bits: Address, out: Address): number;
  totalFloats(
    values: Address,
    size: number,
    length: number,
    bits: Address,
    out: Address,
  ): number;
}

const PAGE = 65_536;
/** Where the kernel's own data ends. */
const START = 1024;

/** An instance of the kernel with a stack of allocations. */
export class Kernel {
  readonly run: Exports;
  #bytes: Uint8Array;
  #top = START;

  constructor() {
    const module = new WebAssembly.Module(Uint8Array.fromBase64(KERNEL));
    this.run = new WebAssembly.Instance(module).exports as unknown as Exports;
    this.#bytes = new Uint8Array(this.run.memory.buffer);
  }

  /** Allocates zeroed bytes, aligned to 8, until `release`. */
  allocate(size: number): Address {
    const at = this.#reserve(size);
    this.#bytes.fill(0, at, at + size);
    return at;
  }

  /** Copies the bytes of an array, until `release`. */
  copy({ buffer, byteOffset, byteLength }: ArrayBufferView): Address {
    const at = this.#reserve(byteLength);
    this.#bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    return at;
  }

  /** Returns the mark to which `release` goes back. */
  mark(): number {
    return this.#top;
  }

  release(mark: number): void {
    this.#top = mark;
  }

  view(at: Address, size: number): DataView {
    return new DataView(this.#bytes.buffer, at, size);
  }

  #reserve(size: number): Address {
    const at = this.#top;
    this.#top = (at + size + 7) & ~7;
    const missing = this.#top - this.#bytes.length;
    if (missing > 0) {
      this.run.memory.grow(Math.ceil(missing / PAGE));
      this.#bytes = new Uint8Array(this.run.memory.buffer);
    }
    return at;
  }
}
