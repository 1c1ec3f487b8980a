import assert from "node:assert/strict";
import fc from "fast-check";
import { checkAddresses, describeSpecialAddress } from "../../src/sandbox/addresses.ts";

const EXPECTED: Readonly<Record<string, string | undefined>> = {
  "0.0.0.0": "an address of this machine",
  "0.1.2.3": "an address of this machine",
  "127.0.0.1": "a loopback address",
  "127.255.255.255": "a loopback address",
  "10.0.0.0": "a private address",
  "10.255.255.255": "a private address",
  "172.15.255.255": undefined,
  "172.16.0.1": "a private address",
  "172.31.255.255": "a private address",
  "172.32.0.0": undefined,
  "192.168.1.1": "a private address",
  "100.64.0.1": "a shared address",
  "100.100.100.200": "a metadata address",
  "100.128.0.0": undefined,
  "169.254.0.1": "a link-local address",
  "169.254.169.254": "a metadata address",
  "168.63.129.16": "a metadata address",
  "192.0.2.7": "an address for documentation",
  "198.19.0.1": "an address for benchmarks",
  "224.0.0.1": "a multicast address",
  "255.255.255.255": "a reserved address",
  "8.8.8.8": undefined,
  "1.1.1.1": undefined,
  "::": "an address of this machine",
  "::1": "a loopback address",
  "::ffff:127.0.0.1": "a loopback address",
  "::ffff:7f00:1": "a loopback address",
  "::ffff:8.8.8.8": undefined,
  "::ffff:0:10.0.0.1": "a private address",
  "64:ff9b::a00:1": "a private address",
  "64:ff9b::808:808": undefined,
  "2002:7f00:1::": "a loopback address",
  "2002:808:808::1": undefined,
  "fd00:ec2::254": "a metadata address",
  "fd12:3456::1": "a private address",
  "fe80::1%eth0": "a link-local address",
  "febf::1": "a link-local address",
  "fec0::1": "a private address",
  "ff02::1": "a multicast address",
  "2001:db8::1": "an address for documentation",
  "2001:0:1::": "a reserved address",
  "2606:4700:4700::1111": undefined,
  "2a00:1450:4001:81b::200e": undefined,
};

for (const [address, kind] of Object.entries(EXPECTED)) {
  Deno.test(`${address} is ${kind ?? "public"}`, () => {
    assert.equal(describeSpecialAddress(address), kind);
  });
}

Deno.test("an IPv4 address is the same inside an IPv6 address", () => {
  fc.assert(fc.property(fc.ipV4(), (address) => {
    assert.equal(describeSpecialAddress(`::ffff:${address}`), describeSpecialAddress(address));
    assert.equal(describeSpecialAddress(`64:ff9b::${address}`), describeSpecialAddress(address));
  }));
});

Deno.test("each IPv6 address is read, however it is written", () => {
  fc.assert(fc.property(fc.ipV6(), (address) => {
    const shortest = new URL(`http://[${address}]/`).hostname.slice(1, -1);
    assert.equal(describeSpecialAddress(address), describeSpecialAddress(shortest));
  }));
});

const resolve = (name: string) =>
  Promise.resolve(
    {
      "public.test": ["8.8.8.8", "2606:4700::1"],
      "inner.test": ["8.8.8.8", "10.1.2.3"],
      "localhost": ["127.0.0.1", "::1"],
      "2130706433": ["127.0.0.1"],
    }[name] ?? [],
  );

const check = (wanted: string[], named: string[]) =>
  checkAddresses('provider "acme"', { wanted, named, resolve });

Deno.test("public hosts and unknown names need not be named", async () => {
  await check(["public.test:443", "unknown.test", "8.8.8.8:53", "[2606:4700::1]:443"], []);
});

Deno.test("a name that leads to a private address is refused with both", async () => {
  await assert.rejects(check(["inner.test:5432"], ["inner.test:5432"]), {
    name: "PermissionError",
    message:
      'Cannot let provider "acme" connect to "inner.test:5432": "inner.test:5432" resolves to ' +
      "10.1.2.3, a private address; to allow it, name 10.1.2.3 itself",
  });
  await check(["inner.test:5432"], ["10.1.2.3"]);
});

Deno.test("an address that the user has written is meant", async () => {
  await check(["127.0.0.1:5432", "localhost:1", "[::1]:80"], ["127.0.0.1", "localhost:1", "[::1]"]);
  for (
    const host of ["127.0.0.1:5432", "localhost:5432", "[::1]:80", "169.254.169.254", "2130706433"]
  ) {
    await assert.rejects(
      check([host], ["public.test"]),
      /Cannot let provider "acme" connect/,
      host,
    );
  }
});

Deno.test("the system's own look-up knows localhost", async () => {
  await assert.rejects(
    checkAddresses("it", { wanted: ["localhost:1"], named: [] }),
    /resolves to (127\.0\.0\.1|::1), a loopback address/,
  );
});
