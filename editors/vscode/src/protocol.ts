// The messages of our own, as docs/lsp.md describes them. Types only.
import type { Diagnostic, Position, Range, WorkspaceEdit } from "vscode-languageserver-protocol";

export type { Position, Range, WorkspaceEdit };
export type Phase = "idle" | "loading" | "queued" | "prefill" | "decode" | "lost" | "paused";

export interface Acceptance {
  shown: number;
  accepted: number;
  dismissed: number;
  characters: number;
}

export interface Status {
  phase: Phase;
  what?: "completion" | "chat" | "edit" | "agent";
  message?: string;
  percent?: number;
  tokensPerSecond?: number;
  secondsLeft?: number;
  queuePosition?: number;
  cachedTokens?: number;
  rereadTokens?: number;
  model?: string;
  context?: number;
  acceptance?: Record<string, Acceptance>;
}

export interface Document {
  uri: string;
  version?: number;
}

/** What a conversation is about. `range` for a selection or symbol, `diagnostics` for diagnostics. */
export interface Context {
  kind: "selection" | "file" | "symbol" | "diagnostics";
  uri: string;
  range?: Range;
  diagnostics?: Pick<Diagnostic, "range" | "severity" | "message">[];
}

export interface Block {
  block: number;
  language: string;
  text: string;
}

export interface Usage {
  promptTokens: number;
  cachedTokens?: number;
  completionTokens: number;
  rereadTokens: number;
  cause?: string;
}

export interface Reply {
  conversation: string;
  turn: number;
  status: "completed" | "cancelled" | "limit";
  text: string;
  blocks: Block[];
  usage?: Usage;
}

export interface Delta {
  conversation: string;
  turn: number;
  kind: "text" | "reasoning";
  text: string;
  token?: string | number;
}

export interface Turn {
  turn: number;
  text: string;
  context: Context[];
  reasoning: string;
  reply: string;
  status: Reply["status"] | "running" | "failed";
  blocks: Block[];
}

export interface Edit {
  edit: WorkspaceEdit | null;
  summary: string;
}

/** A line of `ds4agent run --json`. */
export interface AgentEvent {
  type: string;
  [member: string]: unknown;
}

/** Of the turn that goes on. */
export interface AgentProgress {
  session: string;
  phase: Phase;
  seconds: number;
  promptTokens: number;
  cachedTokens: number;
  rereadTokens: number;
  completionTokens: number;
  percent?: number;
  tokensPerSecond?: number;
  secondsLeft?: number;
}

/** Requests: parameters and answer. */
export interface Requests {
  "ds4/status/get": [Record<string, never>, Status];
  "ds4/pause": [{ paused: boolean; uri?: string }, { paused: boolean }];
  "ds4/log": [Record<string, never>, { path: string }];
  "ds4/engine": [Record<string, never>, { url: string; model: string; key?: string }];
  "ds4/chat/send": [
    { conversation?: string; text: string; context?: Context[]; replaces?: number; token?: string | number },
    Reply,
  ];
  "ds4/chat/list": [Record<string, never>, { conversation: string; title: string; turns: number; updated: number }[]];
  "ds4/chat/get": [{ conversation: string }, { conversation: string; title: string; turns: Turn[] }];
  "ds4/chat/delete": [{ conversation: string }, Record<string, never>];
  "ds4/chat/apply": [
    { conversation: string; turn: number; block: number; textDocument: Document; range?: Range },
    { applied: boolean; edit: WorkspaceEdit },
  ];
  "ds4/edit": [{ textDocument: Document; range: Range; instruction: string }, Edit];
  "ds4/explain": [{ textDocument: Document; range: Range; token?: string | number }, Reply];
  "ds4/agent/start": [{ task: string; folder?: string }, { session: string }];
  "ds4/agent/resume": [{ session: string; task?: string }, { session: string }];
  "ds4/agent/interrupt": [{ session: string }, Record<string, never>];
  "ds4/agent/list": [
    Record<string, never>,
    { session: string; folder: string; title: string; updated: number; running: boolean }[],
  ];
  "ds4/agent/changes": [
    { session: string },
    { files: { uri: string; kind: "add" | "update" | "delete"; diff: string }[]; diff: string },
  ];
  "ds4/agent/putback": [
    { session: string; uris?: string[] },
    { restored: string[]; refused: { uri: string; reason: string }[] },
  ];
}

/** Notifications to the server. */
export interface Told {
  "ds4/completion/shown": { id: string };
  "ds4/completion/accepted": { id: string; length: number };
  "ds4/completion/dismissed": { id: string };
  "ds4/cursor": { textDocument: Document; position: Position };
  "ds4/yank": { textDocument: Document; range: Range };
}

/** Notifications of the server. */
export interface Heard {
  "ds4/status": Status;
  "ds4/chat/delta": Delta;
  "ds4/agent/event": { session: string; event: AgentEvent };
  "ds4/agent/progress": AgentProgress;
}
