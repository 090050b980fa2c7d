import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";

import { Stream } from "../../src/chat/view/stream";
import { page } from "./dom";

beforeAll(() => {
  page();
});

function rendered(pieces: readonly string[]): string {
  const root = document.createElement("div");
  const stream = new Stream(root);
  for (const piece of pieces) {
    stream.feed(piece);
    stream.draw();
  }
  stream.end();
  return root.innerHTML;
}

const LINES = [
  "word **bold** `code`",
  "  two",
  "    four",
  "- item",
  "  - nested",
  "* other",
  "1. one",
  "2) two",
  "> quoted",
  "> - in it",
  "# title",
  "===",
  "---",
  "-",
  "```py",
  "```",
  "~~~~",
  "   ```",
  "  ```js",
  "    ```",
  "\t```",
  "> ```",
  "- ```c",
  "x = '''a",
  "'''",
  "a | b",
  "--- | ---",
  "[ref]: http://a.invalid",
  "[ref]",
  "<b>x</b>",
  "",
  "",
  " ",
  "\t",
  "\\",
  "a\u0000b\u001b[31m",
  "שלום \u202e",
];
const text = fc
  .array(fc.tuple(fc.oneof(fc.constantFrom(...LINES), fc.string({ maxLength: 12 })), fc.constantFrom("\n", "\r\n", "\r")), {
    maxLength: 14,
  })
  .map((lines) => lines.map(([line, end]) => line + end).join(""));
const cuts = fc.array(fc.nat(200), { maxLength: 12 });

function split(whole: string, at: readonly number[]): string[] {
  const ends = [...new Set(at.map((n) => n % (whole.length + 1)))].sort((a, b) => a - b);
  return [0, ...ends].map((start, n) => whole.slice(start, ends[n]));
}

describe("a stream", () => {
  it("renders any split of any text as the text at once", () => {
    fc.assert(
      fc.property(text, fc.boolean(), cuts, (lines, ended, at) => {
        const whole = ended ? lines : lines.slice(0, -1);
        expect(rendered(split(whole, at))).toBe(rendered([whole]));
      }),
      { numRuns: 400, seed: 7 },
    );
  }, 60_000);

  it("renders sign by sign as at once", () => {
    fc.assert(
      fc.property(text, (whole) => {
        expect(rendered([...whole])).toBe(rendered([whole]));
      }),
      { numRuns: 100, seed: 8 },
    );
  }, 60_000);

  it("shows what comes at once in several frames, and cuts no sign in two", () => {
    const text = "𝔸 word, and\n\n".repeat(500);
    const root = document.createElement("div");
    const stream = new Stream(root);
    stream.feed(text);
    let frames = 1;
    while (!stream.draw()) frames += 1;
    expect(frames).toBeGreaterThan(3);
    stream.end();
    expect(root.innerHTML).toBe(rendered([text]));
    expect(root.textContent).not.toContain("\ufffd");
  });
});
