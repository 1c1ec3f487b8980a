import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import {
  findTampering,
  readReceiptKey,
  readSigningKey,
  sealReceipt,
} from "../../src/integrity/sign_receipt.ts";
import { RunReceipt } from "../../src/models/result.ts";

const RECEIPT: Omit<RunReceipt, "digest" | "signature"> = {
  phase: "run",
  file: "shop.yaml",
  result: {
    pipeline: "shop",
    run_id: "5f0c21aa-0000-4000-8000-000000000000",
    status: "succeeded",
    started_at: "2026-03-01T06:00:00.123Z",
    duration_ms: 5,
    peak_memory_bytes: 7,
    streams: [],
  },
};

const SECRET = readSigningKey("sixteen letters.");

function makeKeys() {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return [
    readSigningKey(String(privateKey.export({ type: "pkcs8", format: "pem" }))),
    readReceiptKey(String(publicKey.export({ type: "spki", format: "pem" }))),
  ] as const;
}

Deno.test("a signature proves a receipt as it is read again, whatever the order of its keys", () => {
  const [privateKey, publicKey] = makeKeys();
  for (const [signing, verifying] of [[SECRET, SECRET], [privateKey, publicKey]] as const) {
    const signed = sealReceipt(RECEIPT, signing);
    const { result, ...others } = RunReceipt.parse(JSON.parse(JSON.stringify(signed)));
    const reordered = { result: Object.fromEntries(Object.entries(result).reverse()), ...others };
    assert.equal(findTampering(reordered as RunReceipt, verifying), undefined);
    assert.equal(findTampering(signed, signing), undefined);
  }
});

Deno.test("a receipt that was changed, or signed by another key, is told from a proven one", () => {
  const signed = sealReceipt(RECEIPT, SECRET);
  const changed = "it was changed after it was written";
  assert.equal(findTampering({ ...signed, file: "other.yaml" }, SECRET), changed);
  assert.equal(
    findTampering({ ...signed, result: { ...signed.result, duration_ms: 6 } }, SECRET),
    changed,
  );
  const value = `AAAA${signed.signature!.value.slice(4)}`;
  assert.equal(
    findTampering({ ...signed, signature: { ...signed.signature!, value } }, SECRET),
    "its signature is not that of the key",
  );
  const forged = sealReceipt({ ...RECEIPT, file: "other.yaml" }, undefined);
  assert.equal(
    findTampering({ ...forged, signature: signed.signature }, SECRET),
    "its signature is not that of the key",
  );
  assert.equal(findTampering(sealReceipt(RECEIPT, undefined), SECRET), "it is not signed");
  const [, publicKey] = makeKeys();
  assert.match(
    findTampering(signed, publicKey)!,
    /^key [0-9a-f]{16} \(HMAC-SHA256\) has signed it, given is [0-9a-f]{16} \(Ed25519\)$/,
  );
});

Deno.test("without a key, a digest tells that a receipt was changed", () => {
  for (const key of [undefined, SECRET]) {
    const sealed = sealReceipt(RECEIPT, key);
    assert.equal(findTampering(sealed, undefined), undefined);
    assert.equal(
      findTampering({ ...sealed, phase: "load" }, undefined),
      "it was changed after it was written",
    );
  }
});

Deno.test("a key that cannot be used is refused, and its text is not quoted", () => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const rsa = String(privateKey.export({ type: "pkcs8", format: "pem" }));
  const refused: [string, RegExp][] = [
    ["short", /the secret has 5 characters, expected at least 16$/],
    ["-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", /its PEM cannot be read/],
    [
      "-----BEGIN PRIVATE KEY-----\\nAAAA\\n-----END PRIVATE KEY-----",
      /its PEM cannot be read \(.+\), expected the lines that openssl writes, each on its own$/,
    ],
    [rsa, /it is a key of rsa, expected Ed25519$/],
  ];
  for (const [text, message] of refused) {
    assert.throws(() => readReceiptKey(text), (error: Error) => {
      assert.match(error.message, message);
      assert.ok(!error.message.includes("AAAA") && !error.message.includes("short"));
      return true;
    });
  }
});
