"""The language server: `ds4agent lsp`. What it answers is described in docs/lsp.md."""
