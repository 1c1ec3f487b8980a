/** What looks like a secret in any text, whoever wrote it. */
import assert from "node:assert/strict";
import { maskSecrets } from "../../src/core/errors.ts";

const SECRET = "S3CRET";

/** Texts that hold the secret, and something that stays readable. */
const HIDDEN: Readonly<Record<string, readonly [text: string, stays: string]>> = {
  "a URL": ["postgres://u:S3CRET@h:5432/d", "@h:5432/d"],
  "a URL with a token for a user": ["https://S3CRET@github.com/a", "@github.com/a"],
  "a URL without a scheme": ["to //u:S3CRET@h/d now", "@h/d now"],
  "a password with a slash": ["postgres://u:S3CRET/x@h/d", "@h/d"],
  "a password with an at sign": ["postgres://u:S3@CRET@h/d", "@h/d"],
  "a password with a question mark": ["mysql://u:S3CRET?x@h/d", "@h/d"],
  "a password with a hash": ["https://u:S3CRET#x@h/d", "@h/d"],
  "a URL that does not parse": ["postgres://u:S3CRET-url/x@@[::/d", "@[::/d"],
  "a password that begins as a port": ["postgres://u:123/S3CRET@h/d", "@h/d"],
  "an IPv6 host": ["postgres://u:S3CRET@[::1]:5432/d", "@[::1]:5432/d"],
  "several URLs": ["a://u:S3CRET@h/1, b://v:S3CRET@i/2 and c://w:S3CRET@j", "b://***@i/2"],
  "a percent-encoded password": ["postgres://u:%53S3CRET%40@h/d", "@h/d"],
  "a percent-encoded URL": ["to=postgres%3A%2F%2Fu%3AS3CRET%40h%2Fd", "h%2Fd"],
  "several hosts": ["postgres://u:S3CRET@h1:1,h2:2/d", "@h1:1,h2:2/d"],
  "a login alone": ["cannot reach u:S3CRET@h/d", "@h/d"],
  "a URL with one slash": ["postgres:/u:S3CRET@h/d", "@h/d"],
  "a query": ["https://h/x?password=S3CRET&a=1", "&a=1"],
  "a query's sslpassword": ["postgres://h/d?sslpassword=S3CRET&a=1", "&a=1"],
  "a query's token": ["GET /x?access_token=S3CRET HTTP/1.1", "HTTP/1.1"],
  "a query's key": ["https://h/x?api_key=S3CRET#here", "https://h/x?api_key=***"],
  "the signature of a link": ["https://h/x?a=1&sig=S3CRET&sigma=2", "a=1&sig=***&sigma=2"],
  "the signature of a store's link": ["https://h/x?X-Amz-Signature=S3CRET", "X-Amz-Signature=***"],
  "a query's key with a dash": ["https://h/x?a=1&api-key=S3CRET", "a=1"],
  "a query's client_secret": ["client_secret=S3CRET&grant_type=x", "&grant_type=x"],
  "libpq's keywords": ["host=h password=S3CRET dbname=d", "dbname=d"],
  "libpq's keywords in quotes": ["host=h password='a S3CRET\\' b' dbname=d", "dbname=d"],
  "libpq's keywords apart": ["host = h password = S3CRET dbname = d", "dbname = d"],
  "a variable": ["PGPASSWORD=S3CRET dxt run", "dxt run"],
  "an option": ["--token=S3CRET --quiet", "--quiet"],
  "SQL": ["ALTER ROLE r PASSWORD = 'S3CRET'; select 1", "select 1"],
  "JSON": ['{"user":"u","password":"S3\\"CRET S3CRET","port":1}', '"port":1'],
  "an object as programs show it": ["{ user: 'u', apiKey: 'S3CRET', port: 1 }", "port: 1"],
  "a header": ["authorization: Bearer S3CRETS3CRET.x, accept: y", "accept: y"],
  "a bearer": ["sent Bearer S3CRETS3CRETS3CRET to h", "to h"],
  "a basic header": ['"Authorization": "Basic S3CRET=="', '"Authorization": ***'],
  "a private key": [
    "is -----BEGIN RSA PRIVATE KEY-----\nS3CRET\n-----END RSA PRIVATE KEY----- here",
    "here",
  ],
  "half a private key": ["is -----BEGIN PRIVATE KEY-----\nS3CRET", "is "],
};

for (const [name, [text, stays]] of Object.entries(HIDDEN)) {
  Deno.test(`${name}: the secret is masked and the rest stays`, () => {
    const masked = maskSecrets(text);
    assert.ok(!masked.includes(SECRET) && !masked.includes("CRET"), masked);
    assert.ok(masked.includes(stays), masked);
    assert.equal(maskSecrets(masked), masked);
  });
}

Deno.test("what is no secret stays as it is", () => {
  for (
    const text of [
      ...["postgres://h:5432/d", "https://h:8000/@std/path@1", "npm:zod@4.1.0", "jsr:@std/path@^1"],
      ...[
        "expected postgres://user:password@host:port/database",
        "sqlite:///a/b@c.db",
        "a@b.example",
      ],
      ...['missing key "password": Password of the user', 'unknown key "token", known are a, b'],
      ...["select * from a join b on a.token = b.token", "where token = $1", "password = f(x)"],
      ...["password=${PASSWORD}", "at 12:30 and 13:45", "file:///a/b.ts:1:2", "12% of 3 tokens"],
      ...["[::1]:5432", "https://[::1]:5432/x", "mongodb://h1,h2/d", "://", "//", "a = b"],
    ]
  ) assert.equal(maskSecrets(text), text);
});

Deno.test("a long text is masked in little time", () => {
  for (
    const text of ["a", "pass", "token", "u:", "//", "'", '"', "-----BEGIN ", "%3a%2f%2f", "= "]
  ) {
    const start = performance.now();
    maskSecrets(text.repeat(20_000));
    assert.ok(performance.now() - start < 2000, text);
  }
});
