// A proposal in a diff editor: the document on the left, the document with all that is not decided about on the right.
// Accepting a hunk makes it part of the document, rejecting takes it out of the proposal; either way it leaves the diff.
import * as vscode from "vscode";
import type { Hunk, Proposal } from "./proposal";

export const SCHEME = "ds4agent-proposal";

interface Open {
  document: vscode.TextDocument;
  proposal: Proposal;
  uri: vscode.Uri;
  /** Called when the right side has been made anew; before that the cursor would not stay where it is put. */
  made?: () => void;
  /** Where the cursor was put, at the first hunk, while the user has not moved it. What the window tells of it comes late. */
  placed?: vscode.Position | undefined;
}

/** Waited no longer for the right side: it may have been closed, or nothing in it be different. */
const MADE_MS = 1000;

export class Review implements vscode.TextDocumentContentProvider {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly all = new Map<string, Open>();
  private count = 0;
  /** A decision begins when the one before is through: it takes a while until the document has it. */
  private last: Promise<void> = Promise.resolve();

  readonly onDidChange = this.changed.event;

  constructor(context: vscode.ExtensionContext) {
    const commands: Record<string, (open: Open) => Promise<void>> = {
      "ds4agent.acceptHunk": (open) => this.accept(open, this.here(open)),
      "ds4agent.rejectHunk": (open) => this.reject(open, this.here(open)),
      "ds4agent.acceptAll": (open) => this.accept(open, open.proposal.hunks),
      "ds4agent.rejectAll": (open) => this.reject(open, open.proposal.hunks),
      "ds4agent.takeBack": (open) => this.takeBack(open),
    };
    context.subscriptions.push(
      this.changed,
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      vscode.workspace.onDidChangeTextDocument((event) => this.onChange(event)),
      vscode.workspace.onDidCloseTextDocument((document) => this.all.delete(document.uri.toString())),
      vscode.window.onDidChangeTextEditorSelection((event) => this.onMove(event)),
      vscode.window.tabGroups.onDidChangeTabs(() => this.tellKeys()),
      vscode.window.tabGroups.onDidChangeTabGroups(() => this.tellKeys()),
      ...Object.entries(commands).map(([name, run]) =>
        vscode.commands.registerCommand(name, () => (this.last = this.last.then(() => this.decide(run)))),
      ),
    );
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    const open = this.all.get(uri.toString());
    return open ? open.proposal.text(open.document.getText()) : "";
  }

  async open(document: vscode.TextDocument, proposal: Proposal, title: string): Promise<void> {
    // The path is the document's, for the language; the number makes it another one each time.
    const uri = document.uri.with({ scheme: SCHEME, authority: "", query: String(++this.count) });
    const open: Open = { document, proposal, uri };
    this.all.set(uri.toString(), open);
    const name = document.uri.path.split("/").at(-1);
    await vscode.commands.executeCommand("vscode.diff", document.uri, uri, `${name}: ${title}`, { preview: true });
    this.reveal(open);
  }

  private async decide(run: (open: Open) => Promise<void>): Promise<void> {
    const open = this.active();
    try {
      if (open) await run(open);
    } catch (error) {
      void vscode.window.showErrorMessage(error instanceof Error ? error.message : String(error));
    }
  }

  private active(): Open | undefined {
    const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
    return input instanceof vscode.TabInputTextDiff ? this.all.get(input.modified.toString()) : undefined;
  }

  /** Keys and buttons are there while a proposal is in front. */
  private tellKeys(): void {
    void vscode.commands.executeCommand("setContext", "ds4agent.reviewing", this.active() !== undefined);
  }

  /** The hunk that the cursor is in, on either side. */
  private here({ proposal, document, uri, placed }: Open): Hunk[] {
    if (placed) return proposal.hunks.slice(0, 1);
    const editor = vscode.window.activeTextEditor;
    if (editor?.document.uri.toString() === uri.toString()) {
      return [proposal.inText(editor.document.offsetAt(editor.selection.active))].filter((h) => h !== undefined);
    }
    const offset = editor?.document === document ? document.offsetAt(editor.selection.active) : 0;
    return [proposal.inDocument(offset)].filter((h) => h !== undefined);
  }

  private async accept(open: Open, hunks: readonly Hunk[]): Promise<void> {
    const { document, proposal } = open;
    const before = proposal.hunks;
    const replaced = hunks.map((hunk) => document.getText(rangeOf(document, hunk)));
    for (const hunk of hunks) proposal.settle(hunk);
    if (await change(document, hunks)) proposal.accepted(hunks, replaced);
    else proposal.restore(before);
    await this.decided(open);
  }

  /** What was accepted or rejected last is proposed again; the side that is in front cannot be undone in. */
  private async takeBack(open: Open): Promise<void> {
    const last = open.proposal.takeBack();
    if (!last || (last.change.length > 0 && !(await change(open.document, last.change)))) return;
    open.proposal.reopen(last.again);
    await this.decided(open);
  }

  private async reject(open: Open, hunks: readonly Hunk[]): Promise<void> {
    for (const hunk of hunks) open.proposal.settle(hunk);
    open.proposal.rejected(hunks);
    await this.decided(open);
  }

  private async decided(open: Open): Promise<void> {
    this.changed.fire(open.uri);
    if (open.proposal.hunks.length === 0) return this.close(open);
    const right = vscode.workspace.textDocuments.find(({ uri }) => uri.toString() === open.uri.toString());
    if (right && right.getText() !== this.provideTextDocumentContent(open.uri)) {
      await new Promise<void>((resolve) => {
        open.made = resolve;
        setTimeout(resolve, MADE_MS);
      });
    }
    this.reveal(open);
  }

  private reveal(open: Open): void {
    const { document, proposal, uri } = open;
    const [first] = proposal.hunks;
    const editor = vscode.window.visibleTextEditors.find((e) => e.document.uri.toString() === uri.toString());
    if (!first || !editor) return;
    // What is before the first hunk is the same on both sides.
    const at = document.positionAt(first.start);
    open.placed = at;
    editor.selection = new vscode.Selection(at, at);
    editor.revealRange(new vscode.Range(at, at), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
  }

  private async close({ document, uri }: Open): Promise<void> {
    this.all.delete(uri.toString());
    const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
    const mine = tabs.filter((tab) => tab.input instanceof vscode.TabInputTextDiff && tab.input.modified.toString() === uri.toString());
    await vscode.window.tabGroups.close(mine);
    await vscode.window.showTextDocument(document);
  }

  /** Moves of the user's; a side that is made anew moves the cursor, too, but without a kind. */
  private onMove({ textEditor, selections, kind }: vscode.TextEditorSelectionChangeEvent): void {
    const { document } = textEditor;
    for (const open of this.all.values()) {
      const mine = document === open.document || document.uri.toString() === open.uri.toString();
      const [selection] = selections;
      const own = kind === vscode.TextEditorSelectionChangeKind.Command && open.placed && selection?.active.isEqual(open.placed);
      if (mine && kind !== undefined && !own) open.placed = undefined;
    }
  }

  private onChange({ document, contentChanges }: vscode.TextDocumentChangeEvent): void {
    this.all.get(document.uri.toString())?.made?.();
    for (const open of this.all.values()) {
      if (open.document !== document || contentChanges.length === 0) continue;
      const dropped = contentChanges.map((c) => open.proposal.change({ offset: c.rangeOffset, removed: c.rangeLength, text: c.text })).some(Boolean);
      if (dropped) void vscode.window.showWarningMessage("A proposed change is gone: you have changed the same lines.");
      if (open.proposal.hunks.length > 0) this.changed.fire(open.uri);
      else if (dropped) void this.close(open);
    }
  }
}

function rangeOf(document: vscode.TextDocument, { start, end }: Hunk): vscode.Range {
  return new vscode.Range(document.positionAt(start), document.positionAt(end));
}

/** In one step of the editor's undo. Whether it was done; else the user is told. */
async function change(document: vscode.TextDocument, hunks: readonly Hunk[]): Promise<boolean> {
  const edit = new vscode.WorkspaceEdit();
  for (const hunk of hunks) edit.replace(document.uri, rangeOf(document, hunk), hunk.text);
  const done = await vscode.workspace.applyEdit(edit);
  if (!done) void vscode.window.showErrorMessage(`${vscode.workspace.asRelativePath(document.uri)} could not be changed.`);
  return done;
}
