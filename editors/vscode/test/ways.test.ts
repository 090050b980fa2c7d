import { expect, test } from "vitest";
import type { Surroundings } from "../src/locate";
import { typed, way } from "../src/ways";

const around = (more: Partial<Surroundings> = {}): Surroundings => ({
  setting: "",
  folders: ["/work"],
  home: "/home/me",
  env: { PATH: "bin:/usr/bin:/opt/bin" },
  windows: false,
  ...more,
});
const have = (...files: string[]) => (file: string) => files.includes(file);

test("uv comes before pipx, that before an environment that is made", () => {
  const all = ["/opt/bin/uv", "/usr/bin/pipx", "/usr/bin/python3"];
  expect(way(around(), "0.1.7", have(...all))).toEqual({
    commands: [["/opt/bin/uv", "tool", "install", "--force", "ds4agent==0.1.*"]],
    programs: ["/home/me/.local/share/uv/tools/ds4agent/bin/ds4agent"],
  });
  expect(way(around(), "0.1.7", have(...all.slice(1)))).toEqual({
    commands: [["/usr/bin/pipx", "install", "--force", "ds4agent==0.1.*"]],
    programs: [".local/pipx", "pipx", ".local/share/pipx", "Library/Application Support/pipx"].map((home) => `/home/me/${home}/venvs/ds4agent/bin/ds4agent`),
  });
  expect(way(around({ env: { PATH: "/usr/bin", XDG_DATA_HOME: "/data" } }), "2.3.0", have("/usr/bin/python3"))).toEqual({
    commands: [
      ["/usr/bin/python3", "-m", "venv", "/data/ds4agent/venv"],
      ["/data/ds4agent/venv/bin/python", "-m", "pip", "install", "--upgrade", "ds4agent==2.3.*"],
    ],
    programs: ["/data/ds4agent/venv/bin/ds4agent"],
  });
});

test("uv and pipx may have been told to keep their tools elsewhere", () => {
  const env = { PATH: "/bin", UV_TOOL_DIR: "/my tools", PIPX_HOME: "~/pipes" };
  expect(way(around({ env }), "0.1.7", have("/bin/uv"))?.programs).toEqual(["/my tools/ds4agent/bin/ds4agent"]);
  expect(way(around({ env }), "0.1.7", have("/bin/pipx"))?.programs).toEqual(["/home/me/pipes/venvs/ds4agent/bin/ds4agent"]);
});

test("nothing of the workspace is run, and without any of them there is no way", () => {
  expect(way(around(), "0.1.0", have("bin/uv", "/work/bin/python3"))).toBeUndefined();
});

test("Windows", () => {
  const windows = around({ windows: true, home: "C:\\me", env: { Path: "C:\\py" } });
  const found = way(windows, "0.1.0", have("C:\\py\\python.exe"));
  expect(found?.programs).toEqual(["C:\\me\\.local\\share\\ds4agent\\venv\\Scripts\\ds4agent.exe"]);
  expect(found?.commands[1]?.[0]).toBe("C:\\me\\.local\\share\\ds4agent\\venv\\Scripts\\python.exe");
});

test("a command is shown as one would type it", () => {
  expect(typed(["/my tools/uv", "install", "ds4agent==0.1.*"])).toBe('"/my tools/uv" install "ds4agent==0.1.*"');
});
