import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";

import { post } from "../src/lm-http";
import { Answer, body } from "../src/lm-messages";

const event = (delta: object): string => `data: ${JSON.stringify({ choices: [{ delta }] })}\n\n`;
const STREAM = [
  ": keepalive\n\n",
  event({ role: "assistant", content: null }),
  event({ content: "He" }),
  event({ content: "é\n" }),
  event({ tool_calls: [{ index: 0, id: "c1", function: { name: "read", arguments: "" } }] }),
  event({ tool_calls: [{ index: 0, function: { arguments: '{"path":' } }] }),
  event({ tool_calls: [{ index: 1, id: "c2", function: { name: "list", arguments: "" } }] }),
  event({ tool_calls: [{ index: 0, function: { arguments: '"a"}' } }] }),
  "data: [DONE]\n\n",
].join("");

describe("messages of VS Code", () => {
  it("become those of chat completions", () => {
    const messages = [
      { role: 3, content: [{ value: "Be brief." }] },
      { role: 1, content: [{ value: "Read " }, { value: "it" }, { data: new Uint8Array(1), mimeType: "image/png" }] },
      { role: 2, content: [{ value: "I do" }, { callId: "c1", name: "read", input: { path: "a" } }] },
      { role: 1, content: [{ callId: "c1", content: [{ value: "text" }] }] },
    ];
    const tools = [{ name: "read", description: "Reads", inputSchema: { type: "object" } }];
    expect(body("m", messages, tools, { temperature: 0, evil: 1 })).toEqual({
      model: "m",
      stream: true,
      temperature: 0,
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "Read it" },
        {
          role: "assistant",
          content: "I do",
          tool_calls: [{ id: "c1", type: "function", function: { name: "read", arguments: '{"path":"a"}' } }],
        },
        { role: "tool", tool_call_id: "c1", content: "text" },
      ],
      tools: [{ type: "function", function: { name: "read", description: "Reads", parameters: { type: "object" } } }],
    });
  });
});

describe("a tool's result", () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  it.each([
    ["data that is JSON", { data: bytes('{"é":1}'), mimeType: "application/json" }, '{"é":1}'],
    ["data that is text", { data: bytes("plain"), mimeType: "text/plain" }, "plain"],
    ["an image", { data: bytes("png"), mimeType: "image/png" }, ""],
    ["a mark that is no text", { data: bytes("ephemeral"), mimeType: "cache_control" }, ""],
    [
      "an element of prompt-tsx",
      { value: { node: { type: 1, children: [{ type: 2, text: "one", lineBreakBefore: false }, { type: 1, children: [{ type: 2, text: "two", lineBreakBefore: true }] }] } } },
      "one\ntwo",
    ],
    ["an element of a kind that is not known", { value: { other: 1 } }, ""],
    ["nothing", { value: null }, ""],
  ])("of %s", (_, part, text) => {
    const messages = [{ role: 1, content: [{ callId: "c1", content: [part] }] }];
    expect(body("m", messages, [], {})).toMatchObject({ messages: [{ role: "tool", tool_call_id: "c1", content: text }] });
  });
});

describe("a streamed answer", () => {
  it("is read the same, however it is cut", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(STREAM.length), { maxLength: 10 }), (cuts) => {
        const ends = [...cuts].sort((a, b) => a - b);
        const answer = new Answer();
        const text = [0, ...ends].map((start, n) => answer.feed(STREAM.slice(start, ends[n]))).join("");
        expect(text).toBe("Heé\n");
        expect(answer.calls).toEqual([
          { id: "c1", name: "read", input: { path: "a" } },
          { id: "c2", name: "list", input: {} },
        ]);
      }),
      { seed: 2 },
    );
  });

  it("says what went wrong", () => {
    expect(() => new Answer().feed('data: {"error": {"message": "context full"}}\n')).toThrow("context full");
    const answer = new Answer();
    answer.feed(`${event({ tool_calls: [{ index: 0, id: "c", function: { name: "read", arguments: "{" } }] })}data: [DONE]\n\n`);
    expect(() => answer.calls).toThrow("read");
  });

  it("is no answer if the stream ends before it does", () => {
    const answer = new Answer();
    answer.feed(event({ content: "half of i" }));
    expect(() => answer.calls).toThrow("broke off");
    answer.feed('data: {"choices": [{"delta": {}, "finish_reason": "length"}]}\n\n');
    expect(answer.calls).toEqual([]);
  });
});

describe("a request", () => {
  let server: Server | undefined;
  afterEach(() => server?.close());

  async function served(answer: Parameters<typeof createServer>[1]): Promise<string> {
    const fresh = createServer(answer as never);
    server = fresh;
    await new Promise<void>((done) => fresh.listen(0, "127.0.0.1", done));
    return `http://127.0.0.1:${(fresh.address() as AddressInfo).port}/v1/chat/completions`;
  }

  it("fails with what the engine said", async () => {
    const url = await served(((_: unknown, response: import("node:http").ServerResponse) => {
      response.writeHead(429).end('{"error": {"message": "the queue is full"}}');
    }) as never);
    const all = post(url, {}, undefined, new AbortController().signal).next();
    await expect(all).rejects.toThrow("429: the queue is full");
  });

  it("closes the connection when it is taken back", async () => {
    let closed: () => void = () => undefined;
    const gone = new Promise<void>((resolve) => (closed = resolve));
    const keys: (string | undefined)[] = [];
    const url = await served(((request: import("node:http").IncomingMessage, response: import("node:http").ServerResponse) => {
      keys.push(request.headers.authorization);
      response.on("close", closed);
      response.writeHead(200).write("data: 1\n\n");
    }) as never);
    const abort = new AbortController();
    const pieces = post(url, {}, "secret", abort.signal);
    expect((await pieces.next()).value).toBe("data: 1\n\n");
    abort.abort();
    await expect(pieces.next()).rejects.toThrow();
    await gone;
    expect(keys).toEqual(["Bearer secret"]);
  });
});
