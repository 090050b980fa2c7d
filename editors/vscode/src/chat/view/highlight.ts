// Colours for code, line by line: what a line leaves open (a comment, a string of several lines) is handed to
// the next one, so that code can be coloured while it is being written and no line is coloured twice.

export type Kind = "text" | "comment" | "string" | "number" | "keyword" | "name";
export type Piece = readonly [Kind, string];
/** What a line left open: the sign that ends it, and its colour. */
export type Open = { readonly end: string; readonly kind: "comment" | "string" } | undefined;

interface Language {
  readonly line: readonly string[];
  readonly spans: readonly (readonly [string, string, "comment" | "string"])[];
  readonly quotes: string;
  readonly words: ReadonlySet<string>;
}

const LONGEST = 2000;

const words = (list: string): ReadonlySet<string> => new Set(list.split(" "));
const C_SPANS = [["/*", "*/", "comment"]] as const;
const C_WORDS =
  "auto bool boolean break byte case catch char class const constexpr continue default defer delete do double " +
  "else enum explicit export extends extern false final finally float for func function go goto if implements " +
  "import in instanceof int interface internal let long match mod mut namespace new nil null nullptr override " +
  "package private protected pub public range return self short signed sizeof static string struct super " +
  "switch template this throw throws trait true try type typedef typeof undefined union unsafe unsigned use " +
  "using val var virtual void volatile when where while yield async await fn impl chan map select readonly as " +
  "from of declare abstract fun object data";

const C: Language = { line: ["//"], spans: C_SPANS, quotes: "\"'", words: words(C_WORDS) };
const SCRIPT: Language = { ...C, spans: [...C_SPANS, ["`", "`", "string"]] };
const PYTHON: Language = {
  line: ["#"],
  spans: [
    ['"""', '"""', "string"],
    ["'''", "'''", "string"],
  ],
  quotes: "\"'",
  words: words(
    "False None True and as assert async await break case class continue def del elif else except finally for " +
      "from global if import in is lambda match nonlocal not or pass raise return self try while with yield",
  ),
};
const SHELL: Language = {
  line: ["#"],
  spans: [],
  quotes: "\"'",
  words: words("case do done elif else esac exit export fi for function if in local return set then until while"),
};
const LUA: Language = {
  line: ["--"],
  spans: [["[[", "]]", "string"]],
  quotes: "\"'",
  words: words(
    "and break do else elseif end false for function goto if in local nil not or repeat return then true until while",
  ),
};
const SQL_WORDS =
  "select from where and or not in is null insert into values update set delete create table index view drop " +
  "alter add primary key foreign references join left right inner outer on as order by group having limit " +
  "offset union all distinct case when then else end with exists between like";
const SQL: Language = {
  line: ["--"],
  spans: C_SPANS,
  quotes: "\"'",
  words: words(`${SQL_WORDS} ${SQL_WORDS.toUpperCase()}`),
};
const DATA: Language = { line: ["#"], spans: [], quotes: "\"'", words: words("true false null yes no") };
const RUBY: Language = {
  ...SHELL,
  words: words(
    "begin break case class def do else elsif end ensure false for if in module next nil not or and redo rescue " +
      "require return self super then true unless until when while yield",
  ),
};
const MARKUP: Language = { line: [], spans: [["<!--", "-->", "comment"]], quotes: '"', words: new Set() };
const CSS: Language = { ...C, line: [], words: words("important inherit initial none auto") };
const PLAIN: Language = { line: [], spans: [], quotes: "", words: new Set() };

const TABLE: readonly (readonly [Language, string])[] = [
  [PYTHON, "python py python3 pyi"],
  [SCRIPT, "javascript js jsx typescript ts tsx mjs cjs go golang"],
  [C, "c h cpp c++ cc hpp cs csharp java kotlin kt rust rs swift scala php dart objc zig json jsonc proto"],
  [SHELL, "sh bash zsh shell console fish dockerfile make makefile"],
  [DATA, "yaml yml toml ini conf properties"],
  [LUA, "lua"],
  [SQL, "sql sqlite postgres"],
  [RUBY, "ruby rb elixir ex perl r"],
  [MARKUP, "html xml svg vue"],
  [CSS, "css scss less"],
];
const BY_NAME = new Map(TABLE.flatMap(([language, names]) => names.split(" ").map((name) => [name, language])));

/** The pieces of one line, together the line itself, and what it leaves open. */
export function highlight(line: string, name: string, open: Open): [Piece[], Open] {
  const language = BY_NAME.get(name.toLowerCase()) ?? PLAIN;
  if (language === PLAIN || line.length > LONGEST) return [[["text", line]], undefined];
  return new Scan(line, language).run(open);
}

class Scan {
  private readonly pieces: Piece[] = [];
  private plain = 0;
  private at = 0;

  constructor(
    private readonly line: string,
    private readonly language: Language,
  ) {}

  run(open: Open): [Piece[], Open] {
    let left = open && this.span(open, 0);
    while (!left && this.at < this.line.length) left = this.step();
    this.flush();
    return [this.pieces, left];
  }

  private step(): Open {
    const { line, at, language } = this;
    if (language.line.some((sign) => line.startsWith(sign, at))) {
      this.push("comment", line.length);
      return undefined;
    }
    const span = language.spans.find(([start]) => line.startsWith(start, at));
    if (span) return this.span({ end: span[1], kind: span[2] }, span[0].length);
    if (language.quotes.includes(line.charAt(at))) this.push("string", this.quoted());
    else this.word();
    return undefined;
  }

  private span(open: NonNullable<Open>, skip: number): Open {
    const found = this.line.indexOf(open.end, this.at + skip);
    this.push(open.kind, found < 0 ? this.line.length : found + open.end.length);
    return found < 0 ? open : undefined;
  }

  private quoted(): number {
    const quote = this.line.charAt(this.at);
    for (let n = this.at + 1; n < this.line.length; n++) {
      if (this.line[n] === "\\") n++;
      else if (this.line[n] === quote) return n + 1;
    }
    // One that does not end is an apostrophe, or is not yet written to its end.
    return this.at + 1;
  }

  private word(): void {
    const pattern = /[\p{L}_$][\p{L}\p{N}_$]*|\d[\w.]*|[^\p{L}\p{N}_$]/uy;
    pattern.lastIndex = this.at;
    const word = pattern.exec(this.line)?.[0] ?? this.line.charAt(this.at);
    const end = this.at + word.length;
    if (this.language.words.has(word)) this.push("keyword", end);
    else if (/^\d/.test(word)) this.push("number", end);
    else if (/^[\p{L}_$]/u.test(word) && this.line[end] === "(") this.push("name", end);
    else this.at = end;
  }

  private push(kind: Kind, end: number): void {
    this.flush();
    if (end > this.at) this.pieces.push([kind, this.line.slice(this.at, end)]);
    this.at = this.plain = end;
  }

  private flush(): void {
    if (this.at > this.plain) this.pieces.push(["text", this.line.slice(this.plain, this.at)]);
    this.plain = this.at;
  }
}
