import assert from "node:assert/strict";
import { test } from "node:test";
import { type FunctionUrl, functionUrl, redirectedUrl, showUrl } from "../../src/invoke/url.ts";

function whole({ origin, path, socketPath }: FunctionUrl): string {
  return socketPath === undefined ? `${origin}${path}` : `${origin}${path} on ${socketPath}`;
}

const RESOLVED = [
  ["http://f:8000/statefun", "demo/f", "http://f:8000/statefun"],
  ["http://f:8000/{function.name}?a={function.name}", "demo/my-fn", "http://f:8000/my-fn?a=my-fn"],
  ["https://{function.name}.example/", "demo/greeter", "https://greeter.example/"],
  ["http://f:80", "demo/f", "http://f/"],
  ["http://my_host:8000/", "demo/f", "http://my_host:8000/"],
  ["http://f/{function.name}/x", "demo/a?b#c d", "http://f/a%3Fb%23c%20d/x"],
  ["http://f/{function.name}", "demo/$&", "http://f/%24%26"],
  ["http+unix:///run/x.sock/url/path?q", "demo/f", "http://localhost/url/path?q on /run/x.sock"],
  ["http+unix:///run/x.sock", "demo/f", "http://localhost/ on /run/x.sock"],
  ["https+unix:///run/a.socks/b.sock/c", "demo/f", "https://localhost/c on /run/a.socks/b.sock"],
] as const;

for (const [template, type, url] of RESOLVED) {
  test(`${template} for ${type} is ${url}`, () => {
    assert.equal(whole(functionUrl(template, type)), url);
  });
}

const REFUSED = [
  ["http://f/{function.name}", "demo/..", /"\.\." cannot be a part of a URL/],
  ["http://{function.name}.example/", "demo/a@b", /is not a URL/],
  ["http://{function.name}/", "demo/a:1", /is not a URL/],
  ["ftp://f/", "demo/f", /scheme ftp/],
  ["f:8000/statefun", "demo/f", /scheme f/],
  ["/statefun", "demo/f", /is not a URL/],
  ["http+unix:///run/x/y", "demo/f", /no file that ends in \.sock/],
] as const;

for (const [template, type, reason] of REFUSED) {
  test(`${template} for ${type} is refused`, () => {
    assert.throws(() => functionUrl(template, type), reason);
  });
}

test("a redirect leads to another path, host or socket's path", () => {
  const plain = functionUrl("http://f:8000/a/b", "demo/f");
  assert.equal(whole(redirectedUrl(plain, "c?d")), "http://f:8000/a/c?d");
  assert.equal(whole(redirectedUrl(plain, "https://g/x")), "https://g/x");
  const socket = functionUrl("http+unix:///run/x.sock/a", "demo/f");
  assert.equal(whole(redirectedUrl(socket, "/b")), "http://localhost/b on /run/x.sock");
  assert.throws(() => redirectedUrl(plain, "file:///etc/passwd"), /scheme file/);
});

test("a URL is shown without its query, which may hold a key", () => {
  const url = functionUrl("http+unix:///run/x.sock/a/b?code=secret", "demo/f");
  assert.equal(showUrl(url), "http://localhost/a/b on /run/x.sock");
});
