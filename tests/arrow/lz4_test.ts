import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { lz4DecompressBlock, lz4DecompressFrames, LZ4Error, xxh32 } from "../../src/arrow/mod.ts";
import { concat } from "../../src/core/values/bytes.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const hex = (text: string) => Uint8Array.fromHex(text);

const TEXT = encode(
  `${"dxt moves rows ".repeat(40)}żółć${"0123456789abcdefghijklmnopqrstuvwxyz".repeat(3)}${
    "\0".repeat(500)
  }`,
);
/** As pyarrow compresses it. */
const BLOCK = hex(
  "ff00647874206d6f76657320726f7773200f00ffff38ff1dc5bcc3b3c582c48730313233343536373839616263" +
    "6465666768696a6b6c6d6e6f707172737475767778797a2400351f000100ffdc500000000000",
);
const FRAME = concat(hex("04224d1860408253000000"), BLOCK, hex("00000000"));

const uint32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);

/** A frame of these blocks with all that a frame may have. */
function fullFrame(content: Uint8Array, blocks: readonly (readonly [Uint8Array, boolean])[]) {
  const descriptor = concat(
    hex("7c40"),
    new Uint8Array(BigUint64Array.of(BigInt(content.length)).buffer),
  );
  return concat(
    hex("04224d18"),
    descriptor,
    Uint8Array.of(xxh32(descriptor) >>> 8 & 255),
    ...blocks.flatMap(([bytes, isStored]) => [
      uint32((bytes.length | (isStored ? 0x8000_0000 : 0)) >>> 0),
      bytes,
      uint32(xxh32(bytes)),
    ]),
    uint32(0),
    uint32(xxh32(content)),
  );
}

Deno.test("frames and blocks of other writers are decompressed", () => {
  assert.deepEqual(lz4DecompressBlock(BLOCK, TEXT.length), TEXT);
  assert.deepEqual(lz4DecompressFrames(FRAME, TEXT.length), TEXT);
  assert.deepEqual(lz4DecompressBlock(hex("00"), 0), new Uint8Array());
  assert.deepEqual(lz4DecompressFrames(hex("04224d1860408200000000"), 0), new Uint8Array());
});

Deno.test("frames have blocks that are stored, refer back, and end with checksums", () => {
  const stored = encode("a block that is not compressed, ");
  // No literals, a match of 15 + 4 + 13 bytes that begins in the block before; then "!".
  const linked = Uint8Array.of(0x0f, 32, 0, 13, 0x10, 0x21);
  const content = concat(stored, stored, encode("!"));
  const frame = fullFrame(content, [[stored, true], [linked, false]]);
  assert.deepEqual(lz4DecompressFrames(frame, content.length), content);
  const skipped = concat(hex("512a4d1803000000"), encode("xyz"));
  const both = concat(skipped, frame, frame, skipped);
  assert.deepEqual(lz4DecompressFrames(both, content.length * 2), concat(content, content));
});

Deno.test("checksums are those of the specification", () => {
  assert.equal(xxh32(encode("")), 0x02cc5d05);
  assert.equal(xxh32(encode("a")), 0x550d7456);
  assert.equal(xxh32(encode("abc")), 0x32d153ff);
  assert.equal(xxh32(encode("Nobody inspects the spammish repetition")), 0xe2293b2f);
});

Deno.test("a byte that is changed anywhere is refused by a frame's checksums", () => {
  const frame = fullFrame(TEXT, [[BLOCK, false]]);
  for (let at = 0; at < frame.length; at++) {
    const changed = frame.with(at, frame[at]! ^ 1);
    assert.throws(() => lz4DecompressFrames(changed, TEXT.length), LZ4Error, `at ${at}`);
  }
});

Deno.test("malformed LZ4 is refused or other bytes of the same number", () => {
  const change = fc.tuple(fc.nat(FRAME.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { maxLength: 3 }), fc.nat(FRAME.length), (changes, end) => {
      for (
        const [whole, decompress] of [[FRAME, lz4DecompressFrames], [
          BLOCK,
          lz4DecompressBlock,
        ]] as const
      ) {
        const bytes = whole.slice(0, end);
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        try {
          assert.equal(decompress(bytes, TEXT.length).length, TEXT.length);
        } catch (error) {
          assert.ok(error instanceof LZ4Error, String(error));
        }
      }
    }),
    { numRuns: 500 },
  );
});

Deno.test("more or fewer bytes than were said are refused", () => {
  for (const size of [0, 1, TEXT.length - 1, TEXT.length + 1]) {
    assert.throws(() => lz4DecompressBlock(BLOCK, size), LZ4Error);
    assert.throws(() => lz4DecompressFrames(FRAME, size), LZ4Error);
  }
  assert.throws(() => lz4DecompressBlock(new Uint8Array(), 0), LZ4Error);
  assert.equal(Buffer.compare(lz4DecompressBlock(BLOCK, TEXT.length), TEXT), 0);
});
