// Formats Lua: {"settings": {...}, "files": [text, ...]} on standard input, the formatted texts on standard output.
// The settings are those of stylua.toml that the plugin uses.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const stylua = createRequire(process.argv[2] + "/")("@johnnymorganz/stylua");
const { settings, files } = JSON.parse(readFileSync(0, "utf8"));
const configured = () => {
  const config = stylua.Config.new();
  config.syntax = stylua.LuaVersion.LuaJIT;
  config.column_width = settings.column_width;
  config.indent_type = stylua.IndentType[settings.indent_type];
  config.indent_width = settings.indent_width;
  config.collapse_simple_statement = stylua.CollapseSimpleStatement[settings.collapse_simple_statement];
  return config;
};
const format = (text) => stylua.formatCode(text, configured(), undefined, stylua.OutputVerification.Full);
process.stdout.write(JSON.stringify(files.map(format)));
