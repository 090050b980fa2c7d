// The edit that one asks for in words, and what else about edits is not the language client's: code actions with their
// Refactor Preview are.
import type { AnnotatedTextEdit, TextEdit } from "vscode-languageserver-protocol";
import * as vscode from "vscode";
import type { Server } from "./client";
import { Review } from "./diff";
import { Proposal } from "./proposal";
import type { WorkspaceEdit } from "./protocol";

const LAST = "ds4agent.lastInstruction";

export function edits(context: vscode.ExtensionContext, server: Server): void {
  const review = new Review(context);
  context.subscriptions.push(
    vscode.commands.registerTextEditorCommand("ds4agent.edit", (editor) => void edit(context, server, review, editor)),
  );
}

async function edit(context: vscode.ExtensionContext, server: Server, review: Review, editor: vscode.TextEditor): Promise<void> {
  const { document, selection } = editor;
  const instruction = await vscode.window.showInputBox({
    title: selection.isEmpty ? "Edit the function or class here" : "Edit the selection",
    placeHolder: "What is to be done?",
    value: context.workspaceState.get(LAST, ""),
  });
  if (!instruction?.trim()) return;
  await context.workspaceState.update(LAST, instruction);
  try {
    await proposed(server, review, document, selection, instruction);
  } catch (error) {
    if (!(error instanceof vscode.CancellationError)) void vscode.window.showErrorMessage(error instanceof Error ? error.message : String(error));
  }
}

async function proposed(
  server: Server,
  review: Review,
  document: vscode.TextDocument,
  selection: vscode.Selection,
  instruction: string,
): Promise<void> {
  const { code2ProtocolConverter: c2p } = server.converters;
  const text = document.getText();
  const params = { textDocument: { uri: c2p.asUri(document.uri), version: document.version }, range: c2p.asRange(selection), instruction };
  const options = { location: vscode.ProgressLocation.Notification, title: `ds4agent: ${instruction}`, cancellable: true };
  const answer = await vscode.window.withProgress(options, async (_, token) => {
    const asked = server.request("ds4/edit", params, token);
    return asked.catch((error: unknown) => {
      throw token.isCancellationRequested ? new vscode.CancellationError() : error;
    });
  });
  if (!answer.edit) {
    void vscode.window.showInformationMessage(answer.summary || "Nothing has to change.");
    return;
  }
  // One that was closed and opened again is another one for VS Code, and counts its versions anew.
  const now = vscode.workspace.textDocuments.find(({ uri }) => uri.toString() === document.uri.toString());
  if (now?.getText() !== text) throw new Error(`${vscode.workspace.asRelativePath(document.uri)} has changed meanwhile. Ask again.`);
  const found = ofDocument(answer.edit, params.textDocument.uri);
  const { protocol2CodeConverter: p2c } = server.converters;
  const hunks = (await p2c.asTextEdits(found)).map(({ range, newText }) => ({
    start: now.offsetAt(range.start),
    end: now.offsetAt(range.end),
    text: withEnds(newText, now),
  }));
  await review.open(now, new Proposal(hunks), instruction);
}

function ofDocument(edit: WorkspaceEdit, uri: string): TextEdit[] {
  const changes = edit.documentChanges?.flatMap((change) =>
    "edits" in change && change.textDocument.uri === uri ? (change.edits as Array<TextEdit | AnnotatedTextEdit>) : [],
  );
  return changes ?? edit.changes?.[uri] ?? [];
}

/** With the document's line ends, as VS Code puts a text into it. */
export function withEnds(text: string, document: vscode.TextDocument): string {
  return text.replace(/\r?\n/g, document.eol === vscode.EndOfLine.CRLF ? "\r\n" : "\n");
}
