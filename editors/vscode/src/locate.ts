// Where the program ds4agent may be: the setting, PATH, and the virtual environments that people have.
import { accessSync, constants, statSync } from "node:fs";
import * as path from "node:path";

export interface Surroundings {
  /** The setting `ds4agent.path`; empty: not set. */
  setting: string;
  /** Folders of the workspace, if it is trusted: a program that lies in a stranger's folder must not be started. */
  folders: string[];
  home: string;
  env: Record<string, string | undefined>;
  windows: boolean;
}

const VENVS = [".venv", "venv", "env", ".env"];

/** A program's names in the folders of PATH; a relative one would be the workspace. */
export function onPath({ env, windows }: Surroundings, name: string): string[] {
  const p = windows ? path.win32 : path.posix;
  const folders = (env.PATH ?? env.Path ?? "").split(p.delimiter).filter((folder) => p.isAbsolute(folder));
  return folders.map((folder) => p.join(folder, windows ? `${name}.exe` : name));
}

/** Where programs keep what is theirs. */
export function dataFolder({ env, home, windows }: Surroundings): string {
  return env.XDG_DATA_HOME || (windows ? path.win32 : path.posix).join(home, ".local", "share");
}

/** Where uv keeps the environment of a tool. */
export function uvTool(around: Surroundings, tool: string): string {
  const p = around.windows ? path.win32 : path.posix;
  return p.join(around.env.UV_TOOL_DIR || p.join(dataFolder(around), "uv", "tools"), tool);
}

/** Where pipx may: where it is told to, else in a folder of an earlier release's if there is one, else where the system
 * keeps data of programs. */
export function pipxTool(around: Surroundings, tool: string): string[] {
  const { env, home, windows } = around;
  const p = windows ? path.win32 : path.posix;
  const others = windows
    ? [p.join(env.LOCALAPPDATA || p.join(home, "AppData", "Local"), "pipx", "pipx")]
    : [p.join(dataFolder(around), "pipx"), p.join(home, "Library", "Application Support", "pipx")];
  const homes = env.PIPX_HOME ? [expanded(env.PIPX_HOME, home, p)] : [p.join(home, ".local", "pipx"), p.join(home, "pipx"), ...others];
  return homes.map((folder) => p.join(folder, "venvs", tool));
}

/** In the order in which they are tried. A setting is the only one: who names a program does not want another. */
export function candidates(around: Surroundings): string[] {
  const { env, home } = around;
  const p = around.windows ? path.win32 : path.posix;
  const name = around.windows ? "ds4agent.exe" : "ds4agent";
  const bin = around.windows ? "Scripts" : "bin";
  if (around.setting) return [expanded(around.setting, home, p)];
  const venvs = [env.VIRTUAL_ENV, env.CONDA_PREFIX].filter((folder): folder is string => !!folder);
  const own = around.folders.flatMap((folder) => VENVS.map((venv) => p.join(folder, venv)));
  const tools = [p.join(dataFolder(around), "ds4agent", "venv"), ...pipxTool(around, "ds4agent"), uvTool(around, "ds4agent")];
  return [
    ...onPath(around, "ds4agent"),
    ...[...venvs, ...own].map((venv) => p.join(venv, bin, name)),
    p.join(home, ".local", "bin", name),
    ...[...tools, ...VENVS.map((venv) => p.join(home, venv))].map((venv) => p.join(venv, bin, name)),
    ...(around.windows ? [] : [`/opt/homebrew/bin/${name}`, `/usr/local/bin/${name}`]),
  ];
}

export function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Those that are there. */
export function locate(around: Surroundings, exists: (file: string) => boolean = isProgram): string[] {
  return [...new Set(candidates(around))].filter(exists);
}

function expanded(setting: string, home: string, p: path.PlatformPath): string {
  return /^~(?=$|[\\/])/.test(setting) ? p.join(home, setting.slice(1)) : setting;
}
