import assert from "node:assert/strict";
import { test } from "node:test";
import { StatefoldError } from "../../src/base/errors.ts";
import { type EndpointUrl, expandUrlTemplate, urlFor } from "../../src/spec/endpoint-url.ts";

function url(urlPathTemplate: string, functionType = "demo/orders"): EndpointUrl {
  return urlFor({ urlPathTemplate }, functionType);
}

function refusal(template: string, functionType = "demo/orders"): string {
  try {
    url(template, functionType);
  } catch (error) {
    assert(error instanceof StatefoldError);
    assert.equal(error.code, "TARGET_INVALID");
    return error.message;
  }
  return assert.fail(`${template} gave a URL for ${functionType}`);
}

test("the function's name replaces its placeholder, wherever and however often it stands", () => {
  assert.deepEqual(url("http://host:8000/fn/{function.name}?again={function.name}#x"), {
    origin: "http://host:8000",
    path: "/fn/orders?again=orders",
    socketPath: undefined,
  });
  assert.equal(url("https://{function.name}.svc/x").origin, "https://orders.svc");
});

test("a template without placeholder, path or port is a URL of its own", () => {
  assert.deepEqual(url("HTTPS://Host"), {
    origin: "https://host",
    path: "/",
    socketPath: undefined,
  });
  assert.equal(url("http://host?x=1").path, "/?x=1");
  assert.equal(url("http://my_host:80/a b").path, "/a%20b");
});

test("a socket's URL is split at the first element that ends in .sock", () => {
  assert.deepEqual(url("http+unix:///run/fn.sock/statefun/{function.name}?x=1"), {
    origin: "http://localhost",
    path: "/statefun/orders?x=1",
    socketPath: "/run/fn.sock",
  });
  assert.deepEqual(url("https+unix:///run/a.sock/b.sock/c"), {
    origin: "https://localhost",
    path: "/b.sock/c",
    socketPath: "/run/a.sock",
  });
  assert.equal(url("http+unix:///run/fn.sock").path, "/");
  assert.equal(
    url("http+unix:///run/my%20app/{function.name}.sock/x").socketPath,
    "/run/my app/orders.sock",
  );
});

test("a name cannot leave its place in the path", () => {
  assert.equal(url("http://h/fn/{function.name}/x", "demo/a?b#c").path, "/fn/a%3Fb%23c/x");
  assert.equal(url("http://h/fn/{function.name}", "demo/a\\b%2f").path, "/fn/a%5Cb%252f");
  assert.equal(
    url("http://h/fn/{function.name}", "demo/größe $&").path,
    "/fn/gr%C3%B6%C3%9Fe%20%24%26",
  );
  assert.match(
    refusal("http://h/fn/{function.name}", "demo/.."),
    /the name ".." cannot be part of a URL$/,
  );
  assert.match(refusal("http://h/{function.name}", "demo/\ud800"), /cannot be part of a URL$/);
  assert.equal(url("http://h/fixed", "demo/..").path, "/fixed");
});

test("a name cannot choose a host or a socket", () => {
  const host = refusal("http://{function.name}.svc/x", "demo/evil.com#");
  assert.match(
    host,
    /^no URL for function type "demo\/evil.com#" from http:.*: the name "evil.com#" would be part of the host and may hold only/,
  );
  assert.match(refusal("http://{function.name}/", "demo/a@b:1"), /part of the host/);
  assert.match(
    refusal("http+unix:///run/{function.name}.sock/", "demo/%2e%2e"),
    /part of the socket/,
  );
});

test("what is said of a URL leaves its query out, which may hold a key", () => {
  const said = refusal("http://h/{function.name}?code=secret", "demo/..");
  assert.match(said, / from http:\/\/h\/\{function\.name\}: the name/);
});

test("a type name that is none has no URL", () => {
  assert.match(refusal("http://h/", "orders"), /it is not written <namespace>\/<name>$/);
});

test("what is wrong with a template is said", () => {
  const mistakes: [string, RegExp][] = [
    ["host:8000/x", /^has no scheme; a URL begins with http:/],
    ["ftp://host/x", /^has the scheme ftp; /],
    ["http:///x", /^has no host$/],
    ["http://host:99999/", /^is not a URL: its host or port is malformed$/],
    ["http://a b/", /^is not a URL/],
    ["http://user:secret@host/", /^must not hold a user name or a password$/],
    ["http+unix://run/fn.sock/x", /^has a host; a socket has three slashes: http\+unix:\/\/\/path/],
    ["http+unix:///run/fn/x", /^names no socket: one element of the path must end in "\.sock"$/],
    ["http+unix:///run/%zz.sock/x", /^has a "%" that begins no escape/],
  ];
  for (const [template, message] of mistakes) {
    const result = expandUrlTemplate(template, "x");
    assert(typeof result === "string", template);
    assert.match(result, message);
  }
});
