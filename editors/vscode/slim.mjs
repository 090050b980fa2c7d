// vscode-languageclient carries a client of every feature of LSP in one CommonJS package, of which nothing can be left
// out by its own means. The server has only a few of them (docs/lsp.md), so the others become features that do nothing:
// less to load, and less that the editor is told of.
const UNUSED = [
  "callHierarchy", "codeLens", "colorProvider", "completion", "declaration", "definition", "diagnostic", "documentHighlight",
  "documentLink", "documentSymbol", "fileOperations", "fileSystemWatcher", "foldingRange", "formatting", "hover",
  "implementation", "inlayHint", "inlineValue", "linkedEditingRange", "notebook", "reference", "rename", "selectionRange",
  "semanticTokens", "signatureHelp", "textDocumentContent", "typeDefinition", "typeHierarchy", "workspaceSymbol",
];

const NOTHING = `
class Nothing {
  fillClientCapabilities() {}
  initialize() {}
  getState() { return { kind: "static" }; }
  clear() {}
}
module.exports = new Proxy({}, { get: (_, name) => (/Feature$/.test(String(name)) ? class extends Nothing {} : undefined) });
`;

// It looks whether VS Code is new enough, which `engines` in package.json has made sure of.
const NEW_ENOUGH = { parse: "module.exports = () => ({ prerelease: [] });", satisfies: "module.exports = () => true;" };

export const slim = {
  name: "slim",
  setup(build) {
    const filter = new RegExp(`vscode-languageclient[\\\\/]lib[\\\\/]common[\\\\/](${UNUSED.join("|")})\\.js$`);
    build.onLoad({ filter }, () => ({ contents: NOTHING, loader: "js" }));
    build.onLoad({ filter: /semver[\\/]functions[\\/](parse|satisfies)\.js$/ }, ({ path }) => ({
      contents: NEW_ENOUGH[path.endsWith("parse.js") ? "parse" : "satisfies"],
      loader: "js",
    }));
  },
};
