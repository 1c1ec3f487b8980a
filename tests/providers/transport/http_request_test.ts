/** Responses that are whole, broken, slow, redirected and refused. */
import assert from "node:assert/strict";
import { ConnectionError } from "../../../src/core/errors.ts";
import { type HTTPSettings, sendGet } from "../../../src/providers/transport/http_request.ts";
import { head, type Response, serve, whole } from "../filestore/http/server.ts";

const LENGTH = "content-length: 100";
const CHUNKED = "transfer-encoding: chunked";

async function fetchText(url: string, settings: Partial<HTTPSettings> = {}): Promise<string> {
  const signal = new AbortController().signal;
  const response = await sendGet(new URL(url), { hosts: [], silence: 5, signal, ...settings });
  const bytes = await Array.fromAsync(response.readBody());
  return await new Blob(bytes).text();
}

async function failure(url: string, settings?: Partial<HTTPSettings>): Promise<ConnectionError> {
  try {
    await fetchText(url, settings);
  } catch (error) {
    assert.ok(error instanceof ConnectionError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: `${url} is read` });
}

const WHOLE: Readonly<Record<string, Response>> = {
  "a length": whole("id\n1\n"),
  "chunks": [head("200 OK", CHUNKED), "5\r\nid\n1\n\r\n", 20, "0\r\n\r\n"],
  "a slow drip": [
    head("200 OK", "content-length: 5"),
    "i",
    150,
    "d",
    150,
    "\n",
    150,
    "1",
    150,
    "\n",
  ],
};

for (const [name, response] of Object.entries(WHOLE)) {
  Deno.test(`a body with ${name} is read whole`, async () => {
    await using server = serve(() => response);
    assert.equal(await fetchText(server.url, { silence: 0.4 }), "id\n1\n");
    assert.match(server.requests[0]!, /^accept-encoding: identity\r$/m);
    assert.doesNotMatch(server.requests[0]!, /^authorization/m);
  });
}

/** Responses, what the error says, and whether the same request may succeed later. */
const BROKEN: Readonly<Record<string, readonly [Response, RegExp, boolean]>> = {
  "a body that is cut": [[head("200 OK", LENGTH), "id\n1\n"], /: after 5 of 100 bytes: /, true],
  "a chunk that is not the last": [
    [head("200 OK", CHUNKED), "5\r\nid\n1\n\r\n"],
    /: after 5 bytes: /,
    true,
  ],
  "neither a length nor chunks": [
    [head("200 OK"), "id\n1\n"],
    /: the server sends neither a length nor chunks, so that a lost connection would look like/,
    false,
  ],
  "silence before the head": [[2000], /: the server was silent for 0\.3 s$/, true],
  "silence within the body": [
    [head("200 OK", LENGTH), "id\n", 2000],
    /: the server was silent for 0\.3 s$/,
    true,
  ],
  "a full server": [
    [head("503 Service Unavailable", LENGTH)],
    /responds with 503 Service Un/,
    true,
  ],
  "too many requests": [[head("429 Too Many Requests", LENGTH)], /responds with 429 Too/, true],
  "a missing login": [
    [head("401 Unauthorized", LENGTH)],
    /responds with 401 Unauthorized, expected a login: set user and password, or token$/,
    false,
  ],
  "a part of a file": [[head("206 Partial Content", LENGTH)], /responds with 206 Partial/, false],
  "no file yet": [[head("202 Accepted", LENGTH)], /responds with 202 Accepted$/, false],
  "a head that cannot be read": [
    [head("200 OK", LENGTH, "content-length: 5")],
    /csv": invalid content-length parsed$/,
    true,
  ],
  "a request that is wrong": [[head("400 Bad Request", LENGTH)], /responds with 400 Bad R/, false],
  "a redirect to itself": [
    [head("302 Found", "location: /again")],
    /: it is redirected more than 10 times$/,
    false,
  ],
  "a redirect to a file": [
    [head("302 Found", "location: file:///etc/passwd")],
    /: it is redirected to "file:\/\/\/etc\/passwd", expected an http\(s\) URL$/,
    false,
  ],
};

for (const [name, [response, message, transient]] of Object.entries(BROKEN)) {
  Deno.test(`${name} is an error`, async () => {
    await using server = serve(() => response);
    const url = server.url.replace("//", "//me:hunter22@") + "x.csv?token=hunter22";
    const error = await failure(url, { silence: 0.3 });
    assert.match(error.message, message);
    assert.match(error.message, /^Cannot read "http:\/\/127\.0\.0\.1:\d+\/x\.csv": /);
    assert.doesNotMatch(error.message, /hunter22/);
    assert.equal(error.transient, transient);
  });
}

Deno.test("a refused connection is a transient error", async () => {
  const server = serve(() => []);
  await server[Symbol.asyncDispose]();
  const error = await failure(server.url);
  assert.match(error.message, /refused/);
  assert.ok(error.transient);
});

for (const status of ["404 Not Found", "410 Gone"]) {
  Deno.test(`nothing exists where the server responds with ${status}`, async () => {
    await using server = serve(() => [head(status, "content-length: 0")]);
    const { signal } = new AbortController();
    const response = await sendGet(new URL(server.url), { hosts: [], silence: 5, signal });
    assert.equal(response.exists, false);
    await response.cancel();
  });
}

Deno.test("a redirect is followed to the same host, and to one that is allowed, without the login", async () => {
  await using other = serve(() => whole("there\n"));
  await using server = serve((target) =>
    target === "/away"
      ? [head("301 Moved Permanently", `location: ${other.url}x.csv`)]
      : target === "/here"
      ? [head("307 Temporary Redirect", "location: x.csv")]
      : whole("here\n")
  );
  const authorization = "Bearer hunter22";
  assert.equal(await fetchText(`${server.url}here`, { authorization }), "here\n");
  assert.match(server.requests[1]!, /^authorization: Bearer hunter22\r$/m);
  const refused = await failure(`${server.url}away`, { authorization });
  assert.ok(
    refused.message.endsWith(
      `it is redirected to host "${other.host}", which its connection does not allow: ` +
        `use the URL there, or set hosts: ["${other.host}"]`,
    ),
    refused.message,
  );
  assert.equal(other.requests.length, 0);
  for (const host of [other.host, "127.0.0.1"]) {
    const text = await fetchText(`${server.url}away`, { authorization, hosts: [host] });
    assert.equal(text, "there\n");
  }
  assert.doesNotMatch(other.requests.join(), /authorization/i);
});

Deno.test("an abort ends the wait for a body", async () => {
  await using server = serve(() => [head("200 OK", LENGTH), "id\n", 5000]);
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error("stop")), 100);
  await assert.rejects(fetchText(server.url, { signal: controller.signal }), /^Error: stop$/);
});

Deno.test("the error of a busy server has the wait that the server asks for", async () => {
  const asked = async (status: string, ...headers: string[]) => {
    await using server = serve(() => [head(status, "content-length: 0", ...headers)]);
    return (await failure(server.url)).retryAfterMs;
  };
  assert.equal(await asked("429 Too Many Requests", "retry-after: 7"), 7000);
  const date = new Date(Date.now() + 60_000).toUTCString();
  const ms = await asked("503 Service Unavailable", `retry-after: ${date}`) ?? 0;
  assert.ok(ms > 50_000 && ms <= 60_000, String(ms));
  assert.equal(await asked("503 Service Unavailable", "retry-after: soon"), undefined);
  assert.equal(await asked("503 Service Unavailable"), undefined);
  assert.equal(await asked("403 Forbidden", "retry-after: 7"), undefined);
});
