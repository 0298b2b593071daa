import assert from "node:assert/strict";
import { test } from "node:test";
import { bar, paint, Screen } from "../../../../examples/billing/demo/screen.ts";

function output(isTTY: boolean) {
  const written: string[] = [];
  return { isTTY, written, write: (text: string) => written.push(text) };
}

const view = () => ({ lines: ["one", "two"], line: "one line" });

test("a terminal is drawn over, and has its cursor back at the end", () => {
  const terminal = output(true);
  const screen = new Screen(terminal, view);
  screen.start();
  screen.draw();
  screen.stop();
  screen.stop();
  const picture = "\u001b[2Kone\n\u001b[2Ktwo\n";
  const again = `\u001b[2A${picture}`;
  assert.deepEqual(terminal.written, ["\u001b[?25l", picture, again, again, "\u001b[?25h"]);
});

test("elsewhere it is one line after the other, without any codes", () => {
  const file = output(false);
  const screen = new Screen(file, view);
  screen.start();
  screen.draw();
  screen.stop();
  assert.deepEqual(file.written, ["one line\n", "one line\n"]);
});

test("a bar is empty at first, and never more than full", () => {
  assert.equal(bar(-1, 4), "░░░░");
  assert.equal(bar(0.5, 4), "██░░");
  assert.equal(bar(7, 4), "████");
});

test("a text is coloured on a terminal only", () => {
  assert.equal(paint(output(true), "green", "well"), "\u001b[1;32mwell\u001b[0m");
  assert.equal(paint(output(false), "green", "well"), "well");
});
