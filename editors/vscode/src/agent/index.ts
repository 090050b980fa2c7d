// The agent's view and commands.

import * as vscode from "vscode";

import type { Server } from "../client";
import { visible } from "../chat/view/visible";
import { Agents } from "./agents";
import { approvals } from "./approve";
import { openFile, openStep } from "./differences";
import { Documents, SCHEME } from "./documents";
import { figures } from "./figures";
import { Tree, type Node } from "./tree";

const VIEW = "ds4agent.agent";

export function agent(context: vscode.ExtensionContext, server: Server): void {
  const agents = new Agents(server);
  const documents = new Documents();
  const tree = new Tree(
    () => agents.all,
    (session) => agents.changes(session),
  );
  const view = vscode.window.createTreeView(VIEW, { treeDataProvider: tree });
  agents.onChange((session) => {
    tree.refresh(session);
    view.message = figures(agents.all, Date.now());
    documents.refresh();
  });
  approvals(server, documents);
  context.subscriptions.push(agents, view, vscode.workspace.registerTextDocumentContentProvider(SCHEME, documents));
  const commands = {
    "ds4agent.agent.start": async () => {
      const folder = await chosenFolder();
      if (folder === null) return;
      const title = folder && (vscode.workspace.workspaceFolders?.length ?? 0) > 1 ? `Agent in ${folder.name}` : "Agent";
      const task = await vscode.window.showInputBox({ title, prompt: "What is to be done?" });
      if (!task) return;
      await vscode.commands.executeCommand(`${VIEW}.focus`);
      const session = await agents.start(task, folder);
      await view.reveal(tree.node(session), { expand: true, focus: true });
    },
    "ds4agent.agent.refresh": () => agents.list(),
    "ds4agent.agent.stop": ({ session }: Node) => agents.stop(session),
    "ds4agent.agent.resume": async ({ session }: Node) => {
      const prompt = "What next? Without a task, what is left of the last one is done.";
      const task = await vscode.window.showInputBox({ title: "Agent", prompt });
      if (task !== undefined) await agents.resume(session, task);
    },
    "ds4agent.agent.putBack": async ({ session }: Node) => {
      const question = "Put back all files that this session changed?";
      const detail = "Files that somebody else changed meanwhile are left as they are.";
      const sure = await vscode.window.showWarningMessage(question, { modal: true, detail }, "Put Back");
      if (sure) told(await agents.putBack(session));
    },
    "ds4agent.agent.putBackFile": async (node: Node) => {
      if (node.type === "change") told(await agents.putBack(node.session, [node.file.uri]));
    },
    "ds4agent.agent.openChange": async (node: Node) => {
      if (node.type === "change") await openFile(documents, node.session.id, node.file);
      else if (node.type === "step" && node.step.kind === "change") await openStep(documents, node.session, node.step);
      else if (node.type === "step") await show(documents, `${node.session.id} ${node.step.id}`, () => node.step.text);
    },
    "ds4agent.agent.record": async ({ session }: Node) => {
      await show(documents, `record ${session.id}`, () => session.steps.map(({ text }) => text.trimEnd()).join("\n\n"));
    },
  };
  for (const [name, run] of Object.entries(commands)) {
    const command = async (node: Node): Promise<void> => {
      try {
        await run(node);
      } catch (error) {
        void vscode.window.showErrorMessage(error instanceof Error ? error.message : String(error));
      }
    };
    context.subscriptions.push(vscode.commands.registerCommand(name, command));
  }
}

/** That of the file in front. Undefined without a folder, null where none was chosen. */
async function chosenFolder(): Promise<vscode.WorkspaceFolder | undefined | null> {
  const folders = vscode.workspace.workspaceFolders ?? [];
  const document = vscode.window.activeTextEditor?.document;
  const inFront = document && vscode.workspace.getWorkspaceFolder(document.uri);
  if (inFront) return inFront;
  return folders.length > 1 ? ((await vscode.window.showWorkspaceFolderPick()) ?? null) : folders[0];
}

async function show(documents: Documents, key: string, text: () => string): Promise<void> {
  const uri = documents.at(key, "agent.txt", () => visible(text()));
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: true });
}

function told({ restored, refused }: Awaited<ReturnType<Agents["putBack"]>>): void {
  const count = `${restored.length} ${restored.length === 1 ? "file was" : "files were"} put back.`;
  if (refused.length === 0) void vscode.window.showInformationMessage(count);
  else {
    const why = refused.map(({ uri, reason }) => `${vscode.workspace.asRelativePath(vscode.Uri.parse(uri))}: ${reason}`);
    void vscode.window.showWarningMessage(`${count} Left as they are: ${visible(why.join("; "))}`);
  }
}
