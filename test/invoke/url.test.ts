import assert from "node:assert/strict";
import { test } from "node:test";
import { redirectedUrl, showUrl } from "../../src/invoke/url.ts";
import { type EndpointUrl, urlFor } from "../../src/spec/endpoint-url.ts";

function urlOf(urlPathTemplate: string): EndpointUrl {
  return urlFor({ urlPathTemplate }, "demo/f");
}

function whole({ origin, path, socketPath }: EndpointUrl): string {
  return socketPath === undefined ? `${origin}${path}` : `${origin}${path} on ${socketPath}`;
}

test("a redirect leads to another path, host or socket's path", () => {
  const plain = urlOf("http://f:8000/a/b");
  assert.equal(whole(redirectedUrl(plain, "c?d")), "http://f:8000/a/c?d");
  assert.equal(whole(redirectedUrl(plain, "https://g/x")), "https://g/x");
  const socket = urlOf("http+unix:///run/x.sock/a");
  assert.equal(whole(redirectedUrl(socket, "/b")), "http://localhost/b on /run/x.sock");
  assert.equal(whole(redirectedUrl(socket, "http://g/x")), "http://g/x");
  assert.throws(() => redirectedUrl(plain, "file:///etc/passwd"), /scheme file/);
  assert.throws(() => redirectedUrl(plain, "http://"), /is not a URL/);
});

test("a URL is shown without its query, which may hold a key", () => {
  const url = urlOf("http+unix:///run/x.sock/a/b?code=secret");
  assert.equal(showUrl(url), "http://localhost/a/b on /run/x.sock");
});
