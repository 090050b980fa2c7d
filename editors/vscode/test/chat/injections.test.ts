// Nothing that a model writes does anything. jsdom runs scripts here, so that one that came through would run.

import { describe, expect, it } from "vitest";

import { page as html } from "../../src/chat/page";
import { chatPage, turn } from "./pages";

const RUN = "window.parent.hit=1;window.hit=1";
const INJECTIONS: readonly string[] = [
  `<script>${RUN}</script>`,
  `<SCRIPT>${RUN}</SCRIPT>`,
  `<img src=x onerror="${RUN}">`,
  `<svg onload="${RUN}">`,
  `<svg><script>${RUN}</script></svg>`,
  `<iframe srcdoc="<script>${RUN}</script>"></iframe>`,
  `<iframe src="javascript:${RUN}"></iframe>`,
  `<a href="javascript:${RUN}">x</a>`,
  `[x](javascript:${RUN})`,
  `[x](JaVaScRiPt:${RUN})`,
  `[x](java\tscript:${RUN})`,
  `[x](&#106;avascript:${RUN})`,
  `[x](\u0001javascript:${RUN})`,
  `[x](vbscript:${RUN})`,
  `[x](data:text/html,<script>${RUN}</script>)`,
  `[x](data:image/svg+xml;base64,PHN2Zz4=)`,
  `[x](command:workbench.action.terminal.new)`,
  `[x](vscode://file/etc/passwd)`,
  `[x](file:///etc/passwd)`,
  `<javascript:${RUN}>`,
  `![x](javascript:${RUN})`,
  `![x](https://evil.invalid/pixel.png)`,
  `![x" onerror="${RUN}](https://evil.invalid/a.png "t\\" onerror=\\"${RUN}")`,
  `[x](https://a.invalid "t\\" onmouseover=\\"${RUN}")`,
  `[x](https://a.invalid" onclick="${RUN})`,
  `[x]\n\n[x]: javascript:${RUN}`,
  "```\"><script>" + RUN + "</script>\ncode\n```",
  "```html\n<script>" + RUN + "</script>\n```",
  "`<script>" + RUN + "</script>`",
  "```js\n</code></pre><script>" + RUN + "</script>\n```",
  `| <script>${RUN}</script> |\n| --- |\n| <img src=x onerror=${RUN}> |`,
  `# <script>${RUN}</script>`,
  `- <details open ontoggle="${RUN}">`,
  `> <video><source onerror="${RUN}"></video>`,
  `<style>@import "https://evil.invalid/a.css"; body { display: none }</style>`,
  `<link rel=stylesheet href=https://evil.invalid/a.css>`,
  `<meta http-equiv=refresh content="0;url=https://evil.invalid">`,
  `<base href="https://evil.invalid/">`,
  `<form action="https://evil.invalid"><button>go</button></form>`,
  `<object data="https://evil.invalid"></object><embed src="https://evil.invalid">`,
  `<math><mtext><table><mglyph><style><img src=x onerror="${RUN}">`,
  `<!--><script>${RUN}</script>-->`,
  `&lt;script&gt;${RUN}&lt;/script&gt;`,
  `\u001b]8;;javascript:${RUN}\u0007click\u001b]8;;\u0007`,
  `\u001b[2J\u001b[31mred`,
  `<img src=x o\u202enerror="${RUN}">`,
];

const FORBIDDEN =
  "script,iframe,object,embed,link,meta,base,style,img,svg,math,video,audio,source,form,input,textarea,[srcdoc],[src],[style]";

function through(text: string, place: "reply" | "reasoning" | "question" | "chip" | "title" | "why"): ReturnType<typeof chatPage> {
  const page = chatPage();
  const one = {
    reply: turn({ turn: 0, reply: text, status: "completed", blocks: [{ block: 0, language: text, text }] }),
    reasoning: turn({ turn: 0, reasoning: text, status: "completed" }),
    question: turn({ turn: 0, text, status: "completed" }),
    chip: turn({ turn: 0, chips: [text], status: "completed" }),
    title: turn({}),
    why: turn({ status: "failed", why: text }),
  }[place];
  page.view.hear({ type: "show", shown: { epoch: 1, title: text, turns: [one] } });
  page.view.hear({ type: "conversations", conversations: [{ conversation: text, title: text, turns: 1, updated: 0 }], shown: text });
  page.view.hear({ type: "chips", chips: [{ id: text, label: text, title: text }] });
  page.view.hear({ type: "said", text });
  page.view.hear({ type: "working", text });
  return page;
}

function harmless({ dom }: ReturnType<typeof chatPage>): void {
  const { document } = dom.window;
  const ours = [...document.querySelectorAll("main *, #said *, #chips *, #working *")];
  expect(ours.filter((element) => element.matches(FORBIDDEN))).toEqual([]);
  for (const element of ours) {
    for (const { name, value } of element.attributes) {
      expect(name).not.toMatch(/^on/i);
      if (name === "href") expect(value).toMatch(/^https?:\/\//);
    }
  }
  for (const element of document.querySelectorAll<HTMLElement>("main a")) {
    element.addEventListener("click", (event) => {
      event.preventDefault();
    });
    element.click();
  }
  expect((dom.window as unknown as { hit?: number }).hit).toBeUndefined();
}

describe("what a model writes", () => {
  it.each(INJECTIONS)("does nothing in an answer: %j", (text) => {
    harmless(through(text, "reply"));
  });

  it.each(INJECTIONS)("does nothing anywhere else: %j", (text) => {
    for (const place of ["reasoning", "question", "chip", "title", "why"] as const) harmless(through(text, place));
  });

  it.each(INJECTIONS)("does nothing while it is written: %j", (text) => {
    const page = chatPage();
    page.view.hear({ type: "show", shown: { epoch: 1, title: "", turns: [turn({})] } });
    for (const piece of text.match(/[^]{1,7}/gu) ?? []) {
      page.view.hear({ type: "delta", epoch: 1, index: 0, kind: "text", text: piece });
      page.frame();
      harmless(page);
    }
  });

  it.each([
    ["<script>alert(1)</script> & <b>", "<script>alert(1)</script> & <b>"],
    ["\u001b[31mred\u001b[0m", "␛[31mred␛[0m"],
    ["access\u202e level", "access⟨U+202E⟩ level"],
    ["שלום עולם", "שלום עולם"],
    ["![pixel](https://evil.invalid/p.png)", "[image: pixel] https://evil.invalid/p.png"],
  ])("is shown: %j", (written, shown) => {
    const { dom } = through(written, "reply");
    expect(dom.window.document.querySelector(".reply")?.textContent).toBe(shown);
  });

  it("is shown in full where a line is huge", () => {
    const line = "x".repeat(1_000_000);
    for (const text of [line, "```\n" + line + "\n```", "**" + line]) {
      const { dom } = through(text, "reply");
      const shown = dom.window.document.querySelector(".reply")?.textContent ?? "";
      expect(shown.match(/x/g)?.length).toBe(line.length);
    }
  });

  it("runs where it gets through, so that these tests can fail", () => {
    const { dom } = chatPage();
    const script = dom.window.document.createElement("script");
    script.textContent = RUN;
    dom.window.document.body.append(script);
    expect((dom.window as unknown as { hit?: number }).hit).toBe(1);
  });
});

describe("the page's policy", () => {
  it("lets in nothing but its script and style", () => {
    const made = html({ nonce: "abc", cspSource: "https://w.invalid", script: "s.js", style: "s.css" });
    expect(made).toContain("default-src 'none'; script-src 'nonce-abc'; style-src https://w.invalid;");
    expect(made).not.toMatch(/unsafe|\*/);
    expect(made).not.toMatch(/ on\w+=| style=/);
    expect(made.match(/<script/g)?.length).toBe(1);
  });
});
