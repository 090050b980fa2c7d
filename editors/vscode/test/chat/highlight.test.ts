import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { highlight, type Open } from "../../src/chat/view/highlight";

function kinds(text: string, language: string): string[] {
  let open: Open;
  return text.split("\n").flatMap((line) => {
    const [pieces, left] = highlight(line, language, open);
    open = left;
    return pieces.filter(([kind]) => kind !== "text").map(([kind, piece]) => `${kind} ${piece}`);
  });
}

describe("colours", () => {
  it.each([
    ["py", "def f(x): # why\n  return 'a' + \"\"\"b\nc\"\"\"", ["keyword def", "name f", "comment # why", "keyword return", "string 'a'", 'string """b', 'string c"""']],
    ["js", "/* a\n*/ const n = 1.5e3", ["comment /* a", "comment */", "keyword const", "number 1.5e3"]],
    ["rust", "let s = \"a\\\"b\";", ["keyword let", 'string "a\\"b"']],
    ["sh", "if true; then echo '# no'; fi", ["keyword if", "keyword then", "string '# no'", "keyword fi"]],
    ["klingon", "if 'x' # y", []],
    ["constructor", "if", []],
  ])("of %s", (language, text, expected) => {
    expect(kinds(text, language)).toEqual(expected);
  });

  it("lose and add nothing, whatever the line", () => {
    const language = fc.constantFrom("py", "ts", "c", "sh", "lua", "sql", "html", "yaml", "css", "rb", "?");
    const signs = fc.string({ unit: fc.constantFrom(..."ab1 '\"`#/*-<>!\\[]=(שé😀\t".match(/./gu) ?? []), maxLength: 40 });
    fc.assert(
      fc.property(language, fc.array(signs), (name, lines) => {
        let open: Open;
        for (const line of lines) {
          const [pieces, left] = highlight(line, name, open);
          open = left;
          expect(pieces.map(([, piece]) => piece).join("")).toBe(line);
        }
      }),
      { numRuns: 500, seed: 3 },
    );
  });
});
