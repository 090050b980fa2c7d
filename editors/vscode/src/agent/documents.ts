// Texts that are no files: how a file was before, and what a step said. Read only.

import * as vscode from "vscode";

export const SCHEME = "ds4agent-agent";

export class Documents implements vscode.TextDocumentContentProvider {
  private readonly texts = new Map<string, () => string>();
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;

  /** A document whose text is asked for whenever it has changed. `name` ends as a file would, for its colours. */
  at(key: string, name: string, text: () => string): vscode.Uri {
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${name}`, query: key });
    this.texts.set(uri.toString(), text);
    this.changed.fire(uri);
    return uri;
  }

  /** The texts of those that are open are asked for again. */
  refresh(): void {
    for (const { uri } of vscode.workspace.textDocuments) if (uri.scheme === SCHEME) this.changed.fire(uri);
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.toString())?.() ?? "";
  }
}
