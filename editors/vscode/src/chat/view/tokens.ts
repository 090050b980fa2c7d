// Markdown as elements. Each element is made by name and each text is a text node: nothing of what a model
// wrote is ever read as HTML, so that there is no text that could become more than text.

import MarkdownIt from "markdown-it";
import type Token from "markdown-it/lib/token.mjs";

import { code, type Code } from "./code";
import { plain } from "./plain";

/** Longer text within one paragraph is shown as it is: what a parser does with it could take long. */
const LONGEST_INLINE = 8_000;

const TAGS = new Set(
  "p h1 h2 h3 h4 h5 h6 ul ol li blockquote table thead tbody tr th td strong em s hr br".split(" "),
);

// Definitions of links act on text that was written, and shown, before them.
const parser = new MarkdownIt({ html: false }).disable(["reference"]);

/** One block of the top level: its tokens, and the line it begins in. */
export interface Group {
  readonly line: number;
  readonly tokens: Token[];
}

export function groups(text: string): Group[] {
  const tokens: Token[] = [];
  parser.block.parse(text, parser, {}, tokens);
  const found: Group[] = [];
  for (const token of tokens) {
    if (token.level === 0 && token.nesting >= 0) found.push({ line: token.map?.[0] ?? 0, tokens: [token] });
    else found.at(-1)?.tokens.push(token);
  }
  return found;
}

/** `codes` is given each block of code. */
export function render(tokens: readonly Token[], codes: (made: Code) => void): Node[] {
  const root = document.createElement("div");
  const stack: Element[] = [root];
  for (const token of tokens) {
    const here = stack.at(-1) ?? root;
    if (token.type === "inline") here.append(inline(token.content));
    else if (token.type === "fence" || token.type === "code_block") {
      const made = code(token.content, language(token), token.type === "fence");
      codes(made);
      here.append(made.figure);
    } else walk(token, stack, here);
  }
  return [...root.childNodes];
}

export const language = (token: Token): string => token.info.trim().split(/\s+/)[0] ?? "";

function inline(text: string): Node {
  const root = document.createElement("span");
  if (text.length > LONGEST_INLINE) return plain("span", text);
  const children: Token[] = [];
  parser.inline.parse(text, parser, {}, children);
  const stack: Element[] = [root];
  for (const token of children) leaf(token, stack, stack.at(-1) ?? root);
  const all = document.createDocumentFragment();
  all.append(...root.childNodes);
  all.normalize();
  return all;
}

function leaf(token: Token, stack: Element[], here: Element): void {
  if (token.type === "softbreak") here.append("\n");
  else if (token.type === "code_inline") here.append(element("code", token.content));
  else if (token.type === "image") {
    const url = token.attrGet("src") ?? "";
    here.append(element("span", `[image: ${token.content || "without a name"}] ${url}`));
  } else if (token.type === "link_open") push(stack, here, link(token.attrGet("href") ?? ""));
  else if (token.nesting === 0 && !TAGS.has(token.tag)) here.append(token.content);
  else walk(token, stack, here);
}

function walk(token: Token, stack: Element[], here: Element): void {
  if (token.nesting < 0) {
    if (!token.hidden) stack.pop();
  } else if (!token.hidden && (TAGS.has(token.tag) || token.nesting === 1)) {
    const made = element(TAGS.has(token.tag) ? token.tag : "span");
    if (/^(p|h[1-6]|li|td|th|blockquote)$/.test(token.tag)) made.dir = "auto";
    const start = Number(token.attrGet("start"));
    if (made instanceof HTMLOListElement && Number.isSafeInteger(start) && start > 0) made.start = start;
    if (token.nesting === 1) push(stack, here, made);
    else here.append(made);
  } else if (token.nesting === 0) here.append(token.content);
}

function push(stack: Element[], here: Element, made: Element): void {
  here.append(made);
  stack.push(made);
}

/** Only to the web, and only when it is clicked; anything else is text. */
function link(href: string): HTMLElement {
  if (!/^https?:\/\//i.test(href)) return element("span");
  const made = document.createElement("a");
  made.href = href;
  made.title = href;
  made.rel = "noreferrer";
  return made;
}

function element(tag: string, text = ""): HTMLElement {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  return made;
}
