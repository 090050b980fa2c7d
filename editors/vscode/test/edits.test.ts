// An edit by instruction in an editor that is made up: which document is it that is proposed for.
import { expect, test, vi } from "vitest";

import type { Server } from "../src/client";
import { edits } from "../src/edits";

const made = vi.hoisted(() => ({ command: (_: object): void => undefined, open: vi.fn(), documents: [] as object[] }));

vi.mock("../src/diff", () => ({ Review: class { open = made.open; } }));
vi.mock("vscode", () => ({
  EndOfLine: { LF: 1, CRLF: 2 },
  ProgressLocation: { Notification: 15 },
  commands: { registerTextEditorCommand: (_: string, run: (editor: object) => void) => (made.command = run) },
  window: {
    showInputBox: async () => "Do it",
    withProgress: (_: object, task: (progress: object, token: object) => unknown) => task({}, {}),
  },
  workspace: { textDocuments: made.documents },
}));

const document = () => ({ uri: "file:///a", version: 1, eol: 1, getText: () => "text", offsetAt: () => 0 });

test("a document that was closed and opened again meanwhile is the one whose changes are followed", async () => {
  const [before, after] = [document(), document()];
  const request = async (): Promise<object> => {
    made.documents.push(after);
    return { edit: { changes: { "file:///a": [] } } };
  };
  const converters = {
    code2ProtocolConverter: { asUri: String, asRange: () => ({}) },
    protocol2CodeConverter: { asTextEdits: async () => [{ range: {}, newText: "new" }] },
  };
  const workspaceState = { get: () => "", update: async () => undefined };
  edits({ subscriptions: [], workspaceState } as never, { request, converters } as unknown as Server);
  made.command({ document: before, selection: { isEmpty: true } });
  await vi.waitFor(() => expect(made.open).toHaveBeenCalled());
  expect(made.open.mock.calls[0]?.[0]).toBe(after);
});
