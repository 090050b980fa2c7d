// How ds4agent is installed: by uv or pipx where they are, else by pip, always into an environment of its own.
import * as path from "node:path";
import { dataFolder, isProgram, onPath, pipxTool, type Surroundings, uvTool } from "./locate";

export interface Way {
  /** Programs with their arguments, one after the other. */
  commands: string[][];
  /** One of them is there afterwards, if the tool's environments lie where they do by default or where variables say. */
  programs: string[];
}

/** What fits an extension of this version; see `misfit`. */
export function wanted(ours: string): string {
  const [major, minor] = ours.split(".");
  return `${major}.${minor}`;
}

/** Undefined where none of the three is there. */
export function way(around: Surroundings, ours: string, exists: (file: string) => boolean = isProgram): Way | undefined {
  const p = around.windows ? path.win32 : path.posix;
  const [bin, suffix] = around.windows ? ["Scripts", ".exe"] : ["bin", ""];
  const found = (name: string): string | undefined => onPath(around, name).find(exists);
  const spec = `ds4agent==${wanted(ours)}.*`;
  const data = dataFolder(around);
  const inside = (venv: string, name: string): string => p.join(venv, bin, `${name}${suffix}`);
  const uv = found("uv");
  if (uv) return { commands: [[uv, "tool", "install", "--force", spec]], programs: [inside(uvTool(around, "ds4agent"), "ds4agent")] };
  const pipx = found("pipx");
  if (pipx) return { commands: [[pipx, "install", "--force", spec]], programs: pipxTool(around, "ds4agent").map((venv) => inside(venv, "ds4agent")) };
  const python = found("python3") ?? found("python");
  if (!python) return undefined;
  const venv = p.join(data, "ds4agent", "venv");
  return {
    commands: [
      [python, "-m", "venv", venv],
      [inside(venv, "python"), "-m", "pip", "install", "--upgrade", spec],
    ],
    programs: [inside(venv, "ds4agent")],
  };
}

/** A command as one would type it. */
export function typed(command: string[]): string {
  return command.map((word) => (/^[\w@%+=:,./\\-]+$/.test(word) ? word : `"${word}"`)).join(" ");
}
