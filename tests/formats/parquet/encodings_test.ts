import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import {
  copyBits,
  countBits,
  isSet,
  listSetRows,
  setBits,
} from "../../../src/formats/parquet/bits.ts";
import {
  decodeDelta,
  decodeDelta64,
  encodeDelta,
  encodeDelta64,
  maxDeltaSize,
} from "../../../src/formats/parquet/writer/delta.ts";
import { snappyCompress, snappyDecompress } from "../../../src/formats/parquet/snappy.ts";

function packed(lengths: Int32Array): Uint8Array {
  const out = new Uint8Array(maxDeltaSize(lengths.length));
  return out.subarray(0, encodeDelta(lengths, lengths.length, out));
}

Deno.test("lengths of any size come back, and nothing of what follows is taken", () => {
  const length = fc.oneof(
    fc.nat(3),
    fc.nat(300),
    fc.constantFrom(0, 0x7fffffff, 0x40000000),
    fc.nat(0x7fffffff),
  );
  fc.assert(fc.property(fc.array(length, { maxLength: 600 }), (values) => {
    const bytes = packed(Int32Array.from(values));
    const back = new Int32Array(values.length);
    const followed = new Uint8Array(bytes.length + 7).fill(0xee);
    followed.set(bytes);
    assert.equal(decodeDelta(followed, back), bytes.length);
    assert.deepEqual([...back], values);
  }));
});

Deno.test("malformed lengths are refused or other lengths, none of them negative", () => {
  const good = packed(Int32Array.from({ length: 300 }, (_, i) => i * i % 90));
  const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
  fc.assert(fc.property(fc.array(change, { maxLength: 3 }), fc.nat(good.length), (changes, end) => {
    const bytes = good.slice(0, end);
    for (const [at, value] of changes) if (at < end) bytes[at] = value;
    const back = new Int32Array(300);
    try {
      const at = decodeDelta(bytes, back);
      assert.ok(at <= bytes.length && back.every((length) => length >= 0));
    } catch (error) {
      assert.match(String(error), /packed values of a page are malformed/);
    }
  }));
});

/** Numbers of 64 bits as words; undefined where they are not worth packing. */
function packed64(values: readonly bigint[]): Uint8Array | undefined {
  const words = new Int32Array(BigInt64Array.from(values).buffer);
  const out = new Uint8Array(maxDeltaSize(values.length));
  const end = encodeDelta64(words, values.length, out);
  return end === 0 ? undefined : out.subarray(0, end);
}

Deno.test("numbers whose differences are small come back, whatever they are themselves", () => {
  const [min, max] = [-(2n ** 63n), 2n ** 63n - 1n];
  const first = fc.oneof(
    fc.bigInt({ min, max }),
    fc.constantFrom(0n, -1n, min, max, 2n ** 32n - 2n, -(2n ** 32n), 2n ** 31n),
  );
  const step = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -5000, max: 5000 }));
  fc.assert(fc.property(first, fc.array(step, { minLength: 1, maxLength: 600 }), (first, steps) => {
    let value = first;
    const values = [first, ...steps.map((step) => value = BigInt.asIntN(64, value + BigInt(step)))];
    const isWrapped = values.some((value, i) => i > 0 && value - values[i - 1]! > 2n ** 63n);
    const bytes = packed64(values);
    if (bytes === undefined) return assert.ok(isWrapped || hasWideStep(values));
    assert.ok(bytes.length <= 40 + values.length * 2 + 512);
    const followed = new Uint8Array(bytes.length + 7).fill(0xee);
    followed.set(bytes);
    const back = new Int32Array(values.length * 2).fill(77);
    assert.equal(decodeDelta64(followed, back), bytes.length);
    assert.deepEqual([...new BigInt64Array(back.buffer)], values);
  }));
});

const hasWideStep = (values: readonly bigint[]) =>
  values.some((value, i) => {
    const step = i === 0 ? 0n : value - values[i - 1]!;
    return step < -(2n ** 31n) || step >= 2n ** 31n;
  });

Deno.test("numbers that are far from each other are not packed, nor is one alone", () => {
  assert.equal(packed64([1n]), undefined);
  assert.equal(packed64([]), undefined);
  for (const far of [2n ** 31n, -(2n ** 31n) - 1n, 2n ** 62n]) {
    assert.equal(packed64([0n, far, 0n]), undefined);
  }
  const random = Array.from({ length: 5000 }, (_, i) => BigInt((i * 2654435761) % 2 ** 30));
  assert.equal(packed64(random), undefined);
});

Deno.test("malformed packed numbers are refused or other numbers", () => {
  const good = packed64(Array.from({ length: 300 }, (_, i) => BigInt(i * i % 90)))!;
  const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
  fc.assert(fc.property(fc.array(change, { maxLength: 3 }), fc.nat(good.length), (changes, end) => {
    const bytes = good.slice(0, end);
    for (const [at, value] of changes) if (at < end) bytes[at] = value;
    try {
      assert.ok(decodeDelta64(bytes, new Int32Array(600)) <= bytes.length);
    } catch (error) {
      assert.match(String(error), /packed values of a page are malformed/);
    }
  }));
});

Deno.test("snappy gives back what it took", () => {
  const word = fc.constantFrom("a", "abc", "dxt ", "żółć", "0123456789", "\0".repeat(100));
  const text = fc.array(word, { maxLength: 3000 }).map((words) =>
    new TextEncoder().encode(words.join(""))
  );
  fc.assert(fc.property(fc.oneof(text, fc.uint8Array({ maxLength: 5000 })), (bytes) => {
    const small = snappyCompress(bytes);
    assert.equal(Buffer.compare(snappyDecompress(small, bytes.length), bytes), 0);
  }));
  const large = new Uint8Array(300_000).map((_, i) => (i * i) >> 7);
  assert.equal(Buffer.compare(snappyDecompress(snappyCompress(large), large.length), large), 0);
});

Deno.test("snappy's elements of all kinds are read", () => {
  // A literal of four bytes, then copies with one, two and four bytes of distance.
  const block = [0x10, 3 << 2, 1, 2, 3, 4, 0x01, 4, 3 << 2 | 2, 4, 0, 3 << 2 | 3, 1, 0, 0, 0];
  assert.deepEqual(
    [...snappyDecompress(Uint8Array.from(block), 16)],
    [1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 4, 4, 4, 4],
  );
});

Deno.test("a malformed block of snappy is refused or other bytes of the same number", () => {
  const good = snappyCompress(new TextEncoder().encode("a block to change ".repeat(20)));
  const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { maxLength: 3 }), fc.nat(good.length), (changes, end) => {
      const bytes = good.slice(0, end);
      for (const [at, value] of changes) if (at < end) bytes[at] = value;
      try {
        assert.equal(snappyDecompress(bytes, 360).length, 360);
      } catch (error) {
        assert.match(String(error), /a block declares|a compressed block is malformed/);
      }
    }),
    { numRuns: 500 },
  );
});

Deno.test("bits are copied, set and counted from any place to any other", () => {
  const place = fc.nat(40);
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 30, maxLength: 30 }), place, place, fc.nat(150), (
      from,
      start,
      to,
      count,
    ) => {
      const before = new Uint8Array(40).fill(0x55);
      const bits = before.slice();
      copyBits(from, start, bits, to, count);
      for (let i = 0; i < to; i++) assert.equal(isSet(bits, i), isSet(before, i));
      for (let i = 0; i < count; i++) assert.equal(isSet(bits, to + i), isSet(from, start + i));
      const rows = new Int32Array(count);
      const found = listSetRows(from, start, count, rows, 100);
      const wanted = Array.from({ length: count }, (_, i) => i).filter((i) =>
        isSet(from, start + i)
      );
      assert.deepEqual([...rows.subarray(0, found)], wanted.map((i) => 100 + i));
      setBits(bits, to, count);
      for (let i = 0; i < to; i++) assert.equal(isSet(bits, i), isSet(before, i));
      for (let i = 0; i < count; i++) assert.ok(isSet(bits, to + i));
      const ones = Array.from({ length: count }, (_, i) => isSet(from, i)).filter(Boolean).length;
      assert.equal(countBits(from, count), ones);
    }),
  );
});
