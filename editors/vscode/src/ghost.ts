// Ghost text: the language client asks, this decides whether, and tells the server what became of it.
import * as vscode from "vscode";
import type { Server } from "./client";
import { withEnds } from "./edits";
import { disagrees, Ghosts } from "./ghosts";
import { completion } from "./settings";

const REST_MS = 250;

export function ghost(context: vscode.ExtensionContext, server: Server): void {
  const ghosts = new Ghosts({
    shown: (id) => server.tell("ds4/completion/shown", { id }),
    accepted: (id, length) => server.tell("ds4/completion/accepted", { id, length }),
    dismissed: (id) => server.tell("ds4/completion/dismissed", { id }),
  });
  server.middleware.provideInlineCompletionItems = async (document, position, asked, token, next) => {
    if (!wanted(document, position, asked, ghosts)) return null;
    const version = document.version;
    const found = await next(document, position, asked, token);
    const items = (Array.isArray(found) ? found : found?.items) ?? [];
    if (!token.isCancellationRequested && document.version === version) seen(document, position, items, ghosts);
    return found;
  };
  const before = server.middleware.executeCommand;
  server.middleware.executeCommand = (command, args, next) => {
    if (command === "ds4.accepted") ghosts.complete(String(args[0]));
    return before ? before(command, args, next) : next(command, args);
  };
  context.subscriptions.push(
    vscode.workspace.onDidChangeTextDocument(({ document, contentChanges, reason }) => {
      if (contentChanges.length === 0) return;
      const changes = contentChanges.map((c) => ({ offset: c.rangeOffset, removed: c.rangeLength, text: c.text }));
      ghosts.change(document.uri.toString(), changes, reason !== undefined);
    }),
    part("ds4agent.acceptWord", "editor.action.inlineSuggest.acceptNextWord", ghosts),
    part("ds4agent.acceptLine", "editor.action.inlineSuggest.acceptNextLine", ghosts),
    vscode.commands.registerCommand("ds4agent.complete", () => vscode.commands.executeCommand("editor.action.inlineSuggest.trigger")),
    vscode.commands.registerCommand("ds4agent.next", () => vscode.commands.executeCommand("editor.action.inlineSuggest.showNext")),
    ...cursor(server, ghosts),
    ...yank(server),
  );
}

function wanted(document: vscode.TextDocument, position: vscode.Position, asked: vscode.InlineCompletionContext, ghosts: Ghosts): boolean {
  const setting = completion(document);
  if (setting === "off") return false;
  if (setting === "invoked" && asked.triggerKind === vscode.InlineCompletionTriggerKind.Automatic) return false;
  const selected = asked.selectedCompletionInfo;
  if (!selected) return true;
  const typed = document.getText(new vscode.Range(selected.range.start, position));
  const live = ghosts.live;
  const here = live?.uri === document.uri.toString() && live.offset === document.offsetAt(position) ? live : undefined;
  return !disagrees(typed, selected.text, here);
}

/** The first one is on the screen, the others are for who asks for the next. */
function seen(document: vscode.TextDocument, position: vscode.Position, items: readonly vscode.InlineCompletionItem[], ghosts: Ghosts): void {
  const uri = document.uri.toString();
  const offset = document.offsetAt(position);
  const found = items.flatMap((item) => {
    const id: unknown = item.command?.arguments?.[0];
    const typed = item.range ? document.getText(new vscode.Range(item.range.start, position)) : "";
    const text = withEnds(typeof item.insertText === "string" ? item.insertText : item.insertText.value, document);
    return typeof id === "string" && text.startsWith(typed) ? [{ id, uri, offset, rest: text.slice(typed.length) }] : [];
  });
  const [first, ...others] = found;
  if (first) ghosts.show(first, ...others);
}

/** A command of VS Code's that accepts a part, with what it inserts counted as accepted. */
function part(name: string, command: string, ghosts: Ghosts): vscode.Disposable {
  return vscode.commands.registerCommand(name, async () => {
    ghosts.accepting = true;
    try {
      await vscode.commands.executeCommand(command);
    } finally {
      ghosts.accepting = false;
    }
  });
}

/** Where the cursor rests, so that what is near can be read ahead. */
function cursor(server: Server, ghosts: Ghosts): vscode.Disposable[] {
  let resting: NodeJS.Timeout | undefined;
  const moved = vscode.window.onDidChangeTextEditorSelection(({ textEditor, selections, kind }) => {
    const { document } = textEditor;
    const [selection] = selections;
    clearTimeout(resting);
    if (!selection || !server.running || !isText(document)) return;
    const position = { line: selection.active.line, character: selection.active.character };
    const uri = document.uri.toString();
    if (kind !== undefined) ghosts.moved(uri, document.offsetAt(selection.active));
    resting = setTimeout(() => server.tell("ds4/cursor", { textDocument: { uri }, position }), REST_MS);
  });
  return [moved, new vscode.Disposable(() => clearTimeout(resting))];
}

/** VS Code has no event for a copy, but asks those who add something to what is pasted later. */
function yank(server: Server): vscode.Disposable[] {
  const provider: vscode.DocumentPasteEditProvider = {
    prepareDocumentPaste: (document, ranges) => {
      if (!server.running) return;
      const { converters } = server;
      for (const range of ranges) {
        if (!range.isEmpty) {
          server.tell("ds4/yank", { textDocument: { uri: document.uri.toString() }, range: converters.code2ProtocolConverter.asRange(range) });
        }
      }
    },
  };
  const selector = [{ scheme: "file" }, { scheme: "untitled" }];
  const metadata = { providedPasteEditKinds: [], copyMimeTypes: ["application/x-ds4agent"] };
  return [vscode.languages.registerDocumentPasteEditProvider(selector, provider, metadata)];
}

function isText(document: vscode.TextDocument): boolean {
  return document.uri.scheme === "file" || document.uri.scheme === "untitled";
}
