// Between VS Code's messages to a language model and those of OpenAI's chat completions. Knows no editor.

export interface Message {
  readonly role: number;
  readonly content: readonly unknown[];
}

export interface Tool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema?: object;
}

export interface Call {
  readonly id: string;
  readonly name: string;
  readonly input: object;
}

export type Sent =
  | { role: "system" | "user"; content: string }
  | { role: "assistant"; content: string; tool_calls?: object[] }
  | { role: "tool"; tool_call_id: string; content: string };

/** What `@vscode/prompt-tsx` makes of a tool's result: texts are its leaves. */
interface Element {
  readonly text?: string;
  readonly lineBreakBefore?: boolean | null;
  readonly children?: readonly Element[];
}

const TEXTS = /^(text\/|application\/json\b)/;
const USER = 1;
const ASSISTANT = 2;

/** The body of a request, streamed. */
export function body(model: string, messages: readonly Message[], tools: readonly Tool[], options: object): object {
  const offered = tools.map(({ name, description, inputSchema }) => ({
    type: "function",
    function: { name, description, parameters: inputSchema ?? { type: "object", properties: {} } },
  }));
  const limits = Object.entries(options).filter(([name]) => ["temperature", "top_p", "max_tokens"].includes(name));
  return {
    model,
    stream: true,
    messages: messages.flatMap(sent),
    ...(offered.length > 0 && { tools: offered }),
    ...Object.fromEntries(limits),
  };
}

function sent({ role, content }: Message): Sent[] {
  const parts = content.map((part) => (typeof part === "object" && part !== null ? part : {}) as Record<string, unknown>);
  const text = parts.map(textOf).join("");
  const results = parts.filter((part) => "callId" in part && "content" in part).map((part): Sent => {
    const said = (part["content"] as readonly Record<string, unknown>[]).map(textOf).join("");
    return { role: "tool", tool_call_id: String(part["callId"]), content: said };
  });
  if (role === ASSISTANT) {
    const calls = parts.filter((part) => "callId" in part && "name" in part).map(({ callId, name, input }) => ({
      id: callId,
      type: "function",
      function: { name, arguments: JSON.stringify(input ?? {}) },
    }));
    return [{ role: "assistant", content: text, ...(calls.length > 0 && { tool_calls: calls }) }];
  }
  const asked: Sent = { role: role === USER ? "user" : "system", content: text };
  return text || results.length === 0 ? [...results, asked] : results;
}

/** What a part says in words: plain text, data that is text (as tools give JSON), or an element of prompt-tsx.
 * Images count as nothing, as with the engine. */
function textOf({ value, data, mimeType }: Record<string, unknown>): string {
  if (typeof value === "string") return value;
  if (data instanceof Uint8Array) return TEXTS.test(String(mimeType)) ? new TextDecoder().decode(data) : "";
  return element((value as { node?: Element } | null | undefined)?.node);
}

/** Of an element that was rendered to JSON. */
function element(node: Element | undefined): string {
  if (!node) return "";
  const own = node.text === undefined ? "" : (node.lineBreakBefore ? "\n" : "") + node.text;
  return own + (node.children ?? []).map(element).join("");
}

/** What a streamed answer says: `feed` gives the text that is new, `calls` all calls once it is over. */
export class Answer {
  private rest = "";
  /** An engine ends a stream by closing the connection, as it does when it dies. */
  private over = false;
  private readonly begun = new Map<number, { id: string; name: string; input: string }>();

  /** Throws with the engine's message if it failed on its way. */
  feed(piece: string): string {
    const lines = (this.rest + piece).split(/\r?\n/);
    this.rest = lines.pop() ?? "";
    return lines.map((line) => (line.startsWith("data:") ? this.event(line.slice(5).trim()) : "")).join("");
  }

  /** To be read when the stream is over. Throws where a call cannot be read, or the stream ended before the answer. */
  get calls(): Call[] {
    if (!this.over) throw new Error("The engine's answer broke off before its end.");
    return [...this.begun.values()].map(({ id, name, input }) => {
      try {
        return { id, name, input: JSON.parse(input || "{}") as object };
      } catch {
        throw new Error(`The model called ${name} with arguments that are not JSON.`);
      }
    });
  }

  private event(data: string): string {
    if (data === "[DONE]") {
      this.over = true;
      return "";
    }
    const value = JSON.parse(data) as {
      error?: { message?: string };
      choices?: { delta?: { content?: string | null; tool_calls?: Piece[] }; finish_reason?: string | null }[];
    };
    if (value.error) throw new Error(value.error.message ?? "The engine failed.");
    const { delta, finish_reason } = value.choices?.[0] ?? {};
    if (finish_reason) this.over = true;
    for (const piece of delta?.tool_calls ?? []) this.call(piece);
    return delta?.content ?? "";
  }

  private call({ index = 0, id, function: called }: Piece): void {
    const one = this.begun.get(index) ?? { id: "", name: "", input: "" };
    this.begun.set(index, one);
    one.id ||= id ?? "";
    one.name += called?.name ?? "";
    one.input += called?.arguments ?? "";
  }
}

interface Piece {
  readonly index?: number;
  readonly id?: string;
  readonly function?: { readonly name?: string; readonly arguments?: string };
}
