// What the extension and the page of the chat tell each other. The extension keeps all that there is to know;
// the page shows it and can be taken away and made anew at any time.

import type { Block, Usage } from "../protocol";

export type Status = "running" | "completed" | "cancelled" | "limit" | "failed";

/** `turn` is missing until the server has told its number. `replaces`: the turn whose place it took, or was to take.
 * `why`: what went wrong. */
export interface Turn {
  readonly turn?: number;
  readonly replaces?: number;
  readonly text: string;
  readonly chips: readonly string[];
  readonly reasoning: string;
  readonly reply: string;
  readonly status: Status;
  readonly blocks: readonly Block[];
  readonly usage?: Usage;
  readonly why?: string;
}

export interface Summary {
  readonly conversation: string;
  readonly title: string;
  readonly turns: number;
  readonly updated: number;
}

/** A thing that the next question is about. */
export interface Chip {
  readonly id: string;
  readonly label: string;
  readonly title: string;
}

/** All that the page shows but its own draft. `epoch` counts what was shown: deltas belong to one. */
export interface Shown {
  readonly epoch: number;
  readonly conversation?: string;
  readonly title: string;
  readonly turns: readonly Turn[];
  /** The turn whose question is being edited. */
  readonly editing?: number;
}

export type Kind = "text" | "reasoning";

export type ToPage =
  | { readonly type: "show"; readonly shown: Shown }
  | { readonly type: "turn"; readonly epoch: number; readonly index: number; readonly turn: Turn }
  | { readonly type: "delta"; readonly epoch: number; readonly index: number; readonly kind: Kind; readonly text: string }
  | { readonly type: "conversations"; readonly conversations: readonly Summary[]; readonly shown: string | undefined }
  | { readonly type: "chips"; readonly chips: readonly Chip[] }
  | { readonly type: "draft"; readonly text: string }
  | { readonly type: "working"; readonly text: string }
  | { readonly type: "said"; readonly text: string };

export type FromPage =
  | { readonly type: "ready" }
  | { readonly type: "send"; readonly text: string; readonly replaces?: number }
  | { readonly type: "stop" }
  | { readonly type: "new" }
  | { readonly type: "open"; readonly conversation: string }
  | { readonly type: "delete"; readonly conversation: string }
  | { readonly type: "insert" | "copy" | "apply"; readonly turn: number; readonly block: number }
  | { readonly type: "attach"; readonly what: "selection" | "file" | "diagnostics" }
  | { readonly type: "detach"; readonly id: string }
  | { readonly type: "again"; readonly index: number }
  | { readonly type: "keep" };

const PLAIN = new Set(["ready", "stop", "new", "keep"]);
const NAMED: Readonly<Record<string, string>> = { open: "conversation", delete: "conversation", detach: "id" };

/** A message of the page, if it is one. */
export function fromPage(value: unknown): FromPage | undefined {
  if (typeof value !== "object" || value === null || !("type" in value)) return undefined;
  const message = value as Record<string, unknown>;
  const type = String(message["type"]);
  const number = (name: string): boolean => Number.isSafeInteger(message[name]);
  const named = NAMED[type];
  const good =
    PLAIN.has(type) ||
    (named !== undefined && typeof message[named] === "string") ||
    (type === "send" &&
      typeof message["text"] === "string" &&
      (message["replaces"] === undefined || number("replaces"))) ||
    (["insert", "copy", "apply"].includes(type) && number("turn") && number("block")) ||
    (type === "again" && number("index")) ||
    (type === "attach" && ["selection", "file", "diagnostics"].includes(String(message["what"])));
  return good ? (value as FromPage) : undefined;
}
