/** Receipts of runs, `dxt runs` and `dxt receipt verify`, as whole processes. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import { withFolder } from "../../support/run.ts";
import { type Ended, program } from "../program.ts";

const KEY = { RECEIPT_KEY: "a secret of receipts" };

const PIPELINE = {
  version: 1,
  name: "shop",
  source: { provider: "local" },
  target: { provider: "local", path: "out" },
  streams: [{ id: "orders", source: "orders.csv", target: "orders.jsonl" }],
};

async function withProject(
  work: (folder: string, dxt: (command: string) => Promise<Ended>) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "shop.yaml"), JSON.stringify(PIPELINE));
    await Deno.writeTextFile(
      join(folder, "dxt_project.yaml"),
      'logging: { receipts: receipts, receipt_key: "${RECEIPT_KEY}" }\n',
    );
    await Deno.writeTextFile(join(folder, "orders.csv"), "id\n1\n2\n3\n");
    await work(folder, (command) => program(folder, command.split(" "), KEY));
  });
}

async function readFirst(folder: string): Promise<[string, string]> {
  const [entry] = await Array.fromAsync(Deno.readDir(join(folder, "receipts")));
  const path = join(folder, "receipts", entry!.name);
  return [path, await Deno.readTextFile(path)];
}

Deno.test("a run writes a signed receipt, which is listed and verified", () =>
  withProject(async (folder, dxt) => {
    assert.match((await dxt("runs shop.yaml")).err, /no run has written a receipt here/);
    assert.equal((await dxt("run shop.yaml -q")).code, 0);
    const [path, text] = await readFirst(folder);
    assert.match(path, /\/\d{8}T\d{6}Z-shop-[0-9a-f]{8}\.json$/);
    assert.ok(!text.includes(KEY.RECEIPT_KEY));
    const { result, signature } = JSON.parse(text);
    assert.equal(result.streams[0].proof.verified.level, "full");
    assert.equal(signature.algorithm, "HMAC-SHA256");

    const { out } = await dxt("runs shop.yaml");
    const [titles, row] = out.split("\n").map((line) => line.split(/ {2,}/));
    assert.deepEqual(titles, [
      ..."started,pipeline,run,command,status,streams,rows,time,verified".split(","),
    ]);
    assert.deepEqual(row!.filter((_, i) => ![0, 2, 7].includes(i)), [
      ..."shop,run,succeeded,1,3,full".split(","),
    ]);
    const listed = JSON.parse((await dxt("runs shop.yaml -q")).out);
    assert.equal(listed.runs[0].result.run_id, result.run_id);

    const verified = await dxt("receipt verify shop.yaml");
    assert.deepEqual([verified.code, verified.err], [0, "receipt: 1 of 1 receipts are proven\n"]);
    const unsigned = await dxt("receipt verify receipts");
    assert.match(
      unsigned.err,
      /1 of 1 receipts are proven; without a key, forged ones are not noticed/,
    );
  }));

Deno.test("a receipt that was changed is not proven, with exit code 4", () =>
  withProject(async (folder, dxt) => {
    await dxt("run shop.yaml -q");
    const [path, text] = await readFirst(folder);
    await Deno.writeTextFile(path, text.replace('"rows_loaded": 3', '"rows_loaded": 4'));
    const changed = await dxt("receipt verify shop.yaml");
    assert.equal(changed.code, 4);
    assert.match(
      changed.err,
      /error: Cannot trust "[^"]+\.json": it was changed after it was written\n/,
    );
    // Without the key, the counts tell.
    await Deno.writeTextFile(path, text.replace(/("target": \{\s+"rows": )3/, "$14"));
    const { code, err } = await dxt(`receipt verify ${path}`);
    assert.equal(code, 4);
    assert.match(err, /stream "orders" has 3 rows in the source, 3 in the stage, 4 in the target/);
    await Deno.writeTextFile(path, "{");
    assert.equal((await dxt("runs shop.yaml")).code, 1);
  }));

Deno.test("receipts of a project are found and verified without any of its variables", () =>
  withProject(async (folder, dxt) => {
    await dxt("run shop.yaml -q");
    await Deno.writeTextFile(join(folder, "key"), KEY.RECEIPT_KEY);
    const elsewhere = { ...PIPELINE, name: "other", source: "${SOURCE_URL}" };
    await Deno.writeTextFile(join(folder, "other.yaml"), JSON.stringify(elsewhere));
    const audit = (command: string) => program(folder, command.split(" "));
    for (const place of ["", " shop.yaml", " receipts"]) {
      assert.match((await audit(`runs${place}`)).out, /shop .* succeeded/);
      const { code, err } = await audit(`receipt verify${place} --key-file key`);
      assert.deepEqual([code, err], [0, "receipt: 1 of 1 receipts are proven\n"]);
    }
    assert.match((await audit("runs other.yaml")).err, /no run has written a receipt here/);
    const { code, err } = await audit("receipt verify");
    assert.equal(code, 2);
    assert.match(err, /dxt_project.yaml:1:\d+: variable "RECEIPT_KEY" is not set/);
  }));

Deno.test("a run refuses a public key as receipt_key before it moves anything", () =>
  withProject(async (folder) => {
    const { publicKey } = generateKeyPairSync("ed25519");
    const RECEIPT_KEY = String(publicKey.export({ type: "spki", format: "pem" }));
    const { code, err } = await program(folder, ["run", "shop.yaml"], { RECEIPT_KEY });
    assert.equal(code, 2);
    assert.match(err, /a public key cannot sign, expected the private one\n$/);
    await assert.rejects(Deno.stat(join(folder, "out")), Deno.errors.NotFound);
  }));

Deno.test("a folder of receipts has a name, and one that is read exists", () =>
  withProject(async (folder, dxt) => {
    const unnamed = await dxt("run shop.yaml --receipts=");
    assert.equal(unnamed.code, 2);
    assert.match(unnamed.err, /Cannot write receipts to "": expected the name of a folder\n$/);
    for (const command of ["runs", "receipt verify"]) {
      assert.equal((await dxt(`${command} shop.yaml`)).code, 0);
      for (const place of ["nowhere", "nowhere.json"]) {
        const { code, err } = await dxt(`${command} ${place}`);
        assert.equal(code, 2);
        assert.match(err, /Cannot find receipts in "nowhere(\.json)?": no such file or folder/);
      }
      const wrong = await dxt(`${command} orders.csv`);
      assert.equal(wrong.code, 2);
      assert.match(wrong.err, /^error: Cannot read receipts from "orders.csv": Not a directory/);
      assert.equal((await dxt(command)).code, 0);
    }
    assert.deepEqual((await Array.fromAsync(Deno.readDir(folder))).length, 3);
    await Deno.remove(join(folder, "dxt_project.yaml"));
    const { code, err } = await dxt("runs");
    assert.equal(code, 2);
    assert.match(err, /Cannot find receipts in "receipts": no such file or folder, expected/);
  }));

Deno.test("receipts need only the permissions that dxt permissions names", () =>
  withProject(async (folder, dxt) => {
    const { out } = await dxt("permissions shop.yaml --format flags");
    const flags = out.trim().split(/\s+/);
    assert.ok(flags.some((flag) => flag.includes("receipts")), out);
    const { code, err } = await program(folder, ["run", "shop.yaml", "-q"], KEY, flags);
    assert.deepEqual([code, err], [0, ""]);
    assert.match((await readFirst(folder))[1], /"signature"/);
  }));
