// Ghost text in an editor that is made up: what the server is told of what VS Code does with a suggestion.
import { expect, test, vi } from "vitest";

import type { Server } from "../src/client";
import { ghost } from "../src/ghost";

const changed: ((event: object) => void)[] = vi.hoisted(() => []);

vi.mock("vscode", () => {
  const disposable = { dispose: () => undefined };
  return {
    Disposable: class {},
    EndOfLine: { LF: 1, CRLF: 2 },
    commands: { registerCommand: () => disposable },
    languages: { registerDocumentPasteEditProvider: () => disposable },
    window: { onDidChangeTextEditorSelection: () => disposable },
    workspace: {
      getConfiguration: () => ({ get: (_: string, other: unknown) => other }),
      onDidChangeTextDocument: (listener: (event: object) => void) => changed.push(listener),
    },
  };
});

test("lines that are accepted in a document with CRLF are those of the suggestion", async () => {
  const told: unknown[] = [];
  const middleware: { provideInlineCompletionItems?: (...args: unknown[]) => Promise<unknown> } = {};
  const server = { middleware, tell: (method: string, params: object) => told.push([method, params]) };
  ghost({ subscriptions: [] } as never, server as unknown as Server);
  const document = { uri: "file:///a", version: 1, eol: 2, offsetAt: () => 4 };
  // Of a document of one line the server does not know what its lines end with.
  const items = [{ insertText: "one\ntwo", command: { arguments: ["c1"] } }];
  const ask = middleware.provideInlineCompletionItems;
  await ask?.(document, {}, {}, { isCancellationRequested: false }, async () => items);
  changed[0]?.({ document, contentChanges: [{ rangeOffset: 4, rangeLength: 0, text: "one\r\n" }] });
  expect(told).toEqual([
    ["ds4/completion/shown", { id: "c1" }],
    ["ds4/completion/accepted", { id: "c1", length: 4 }],
  ]);
});
