"""Families that run things: report what a command printed; fix what an assertion complains about."""

from __future__ import annotations

from . import kits, names, phrasings, phrasings_more, programs, reports, words
from .grammar import Phrases
from .inline import wording_for
from .kits import Kit
from .sandbox import Program, run_script
from .tree import status
from .world import World

_RUN = Phrases("""
Run `{c}` and report what it prints.
I run `{c}`.
Run {c}.
The command is `{c}`. Run it.
""")
_PRINTED = Phrases("""
`{c}` printed `{o}`.
It printed `{o}`.
The output is `{o}`.
It prints `{o}`.
The output of `{c}` is `{o}`.
""")
_PRINTED_BLOCK = Phrases("""
`{c}` printed:\\n\\n```\\n{o}\\n```
It printed:\\n\\n```\\n{o}\\n```
The output is:\\n\\n```\\n{o}\\n```
""")


def report(world: World, command: str, result: str) -> None:
    """The final answer after a command whose output was asked for."""
    rng, s = world.rng, world.s
    body, _, code = result.partition("[exit code: ") if "[exit code: " in result else (result, "", "")
    body, code = body.rstrip("\n"), code.rstrip("]")
    slots = {"c": command, "o": body}
    if body == "(no output)":
        s.answer(
            "It printed nothing.",
            rng.choice(
                (
                    f"`{command}` printed nothing and ended with exit code 0.",
                    "It ran without any output.",
                    f"`{command}` gave no output.",
                )
            ),
        )
        return
    text = "" if not body else (_PRINTED_BLOCK if "\n" in body or "`" in body else _PRINTED)(rng, slots)
    if code:
        gap = "\n\n" if text.endswith("```") else " "
        text = (
            f"{text}{gap}It ended with exit code {code}."
            if text
            else f"`{command}` printed nothing and ended with exit code {code}."
        )
        s.answer(f"It failed with exit code {code}.", text, *([body] if body else []), code)
    else:
        s.answer(
            rng.choice(("That is the output.", "It worked; report the output.", "Report this output.")),
            text,
            body,
        )


def _command(world: World) -> tuple[str, str] | None:
    """A command that can be run here and its result."""
    rng, tree, split = world.rng, world.tree, world.split
    plans = world.alive()
    plan = rng.choice(plans) if plans else None
    a, b = rng.randint(2, 99), rng.randint(2, 99)
    w = names.invented(rng)
    simple = {
        "sum": (f"echo $(({a} + {b}))", str(a + b), 0),
        "mul": (f"echo $(({a} * {b}))", str(a * b), 0),
        "seq": (f"seq {a % 6 + 1}", "\n".join(map(str, range(1, a % 6 + 2))), 0),
        "py": (f'python3 -c "print({a} * {b})"', str(a * b), 0),
        "pys": (f"python3 -c \"print('{w}'.upper())\"", w.upper(), 0),
        "pwd": ("pwd", tree.cwd, 0),
        "true": ("true", "", 0),
        "false": ("false", "", 1),
        "exit": (f'bash -c "exit {a}"', "", a),
        "echo": (f"echo {w}", w, 0),
        "echo2": (f"echo {w} {names.invented(rng)}"[:60], "", -1),
        "base": (f"basename /{w}/{split}/{w}.txt", f"{w}.txt", 0),
        "expr": (f"expr {a} + {b}", str(a + b), 0),
        "none": (w[:9] + "x", f"bash: {w[:9]}x: command not found", 127),
        "printf": (f"printf '%s-%s\\n' {w} {a}", f"{w}-{a}", 0),
        "rev": (f"echo {w} | rev", w[::-1], 0),
        "tr": (f"echo {w} | tr a-z A-Z", w.upper(), 0),
        "wcw": (f"echo {w} {w} | wc -w", "2", 0),
    }
    if rng.random() < 0.45 or plan is None:
        command, out, code = simple[rng.choice(list(simple))]
        return (command, status(command[5:] if code == -1 else out, max(code, 0)))
    lines = tree.lines(plan.path)
    n = rng.randint(1, 4)
    if any("\t" in x for x in lines) or len(tree.files[plan.path]) > 700:
        return None
    bad = names.file_stem(rng, split) + ".txt"
    name = next((x for x in lines[0].split() if x.isalnum()), w) if lines else w
    command, result = rng.choice(
        (
            lambda: tree.cat(plan.path),
            lambda: (f"head -n {n} {plan.path}", status("\n".join(lines[:n]), 0)),
            lambda: tree.tail(plan.path, n),
            lambda: (f"wc -l {plan.path}", status(f"{tree.files[plan.path].count(chr(10))} {plan.path}", 0)),
            lambda: tree.grep(name, plan.path, "-c"),
            lambda: tree.cat(bad) if bad not in tree.files else tree.cat(plan.path),
            lambda: (f"sed -n '{n}p' {plan.path}", status("\n".join(lines[n - 1 : n]), 0)),
            lambda: (f"test -f {plan.path} && echo yes", "yes"),
            lambda: tree.ls(),
        )
    )()
    return command, result


def run_command(world: World) -> bool:
    rng, s = world.rng, world.s
    made = _command(world)
    if made is None:
        return False
    command, result = made
    mark = rng.choice(("`", "`", "`", "", "")) if " " in command else "`"
    asked, whole = wording_for(world, command, f"{mark}{command}{mark}")
    world.say("run", asked if whole else world.framed(asked, edits=False))
    s.bash(_RUN(rng, {"c": command}), command, result)
    report(world, command, result)
    return True


def run_script_family(world: World) -> bool:
    """Run one of the project's scripts.

    Sometimes after changing one of its constants (in the same request).
    """
    rng, s, v = world.rng, world.s, world.voice()
    plans = [
        p
        for p in world.alive()
        if (p.kind == "py" and ("print(" in world.tree.files[p.path]))
        or (p.kind == "sh" and "echo" in world.tree.files[p.path])
    ]
    if not plans:
        return False
    plan = rng.choice(plans)
    said, whole = world.said_path(plan.path), False
    tool = "bash" if plan.kind == "sh" else "python3"
    if rng.random() < 0.5:
        command = f"{tool} {plan.path}"
        mark = rng.choice(("`", "`", ""))
        asked, whole = wording_for(world, command, f"{mark}{command}{mark}")
        said = plan.path
    else:
        asked = phrasings.RUN_SCRIPT(rng, world.split, {"F": v.path(said), "f": v.quoted(said, v.path_mark)})
        if plan.kind == "sh":
            asked = (
                asked.replace("with python3", "with bash")
                .replace("with python", "with bash")
                .replace("use python ", "use bash ")
            )
    world.say("run", asked if whole else world.framed(asked, edits=False))
    if said != plan.path:
        wrong = status(
            f"python3: can't open file '{world.tree.cwd}/{said}': [Errno 2] No such file or directory"
            if tool == "python3"
            else f"bash: {said}: No such file or directory",
            2 if tool == "python3" else 127,
        )
        s.bash(_RUN(rng, {"c": f"{tool} {said}"}), f"{tool} {said}", wrong)
        lead = world.recover(said, plan.path, f"Run `{tool} {plan.path}`.")
    else:
        lead = _RUN(rng, {"c": f"{tool} {plan.path}"})
    result = status(*programs.run(world.tree, plan.path))
    s.bash(lead, f"{tool} {plan.path}", result)
    report(world, f"{tool} {plan.path}", result)
    return True


_TEST_RUN = Phrases("""
First I run the test: {c}.
Run {c} to see the failure.
I start with {c}.
""")
_FAILURE = Phrases("""
{call} gives {left}, but {right} is expected. Where is {target} defined?
The test expects {right} from {call}, it gets {left}. I look for {target}.
Expected {right}, got {left} for {call}. Search {target}.
""")
_UNCLEAR = (
    "{right} is expected. I read {t} to see where the value comes from.",
    "The expected value is {right}. What is compared? Read {t}.",
    "Expected {right}. Read {t} to see what is called.",
)
_READ = Phrases("""
{target} is in {f}. {call} must be {right}. Read {f}.
The definition is in {f}. I read it; the expected value is {right}.
Look at {f}: {target} must give {right}.
""")
_REPAIR = Phrases("""
In {f}, `{a}` is wrong: {right} is expected for {call}. It must be `{b}`.
The wrong line of {f} is `{a}`. With the expected {right} it is `{b}`.
{call} must be {right}, so `{a}` in {f} becomes `{b}`.
""")
_AGAIN = Phrases("""
Now run the test again: {c}.
Check with {c}.
Run {c} again.
""")
_FIXED = Phrases("""
I fixed {f}: `{a}` is now `{b}`. `{c}` passes.
The bug was in {f}: `{a}` had to be `{b}`. The test passes now.
In {f} I changed `{a}` to `{b}`; {c} passes now.
`{call}` was wrong because {f} had `{a}`. It is now `{b}` and the test passes.
""")


def add_kit(world: World) -> Kit | None:
    """Put a module with a bug and its test into the project (before the session starts)."""
    kit = kits.kit(world.rng, world.split)
    taken = set(world.tree.files)
    stem = kit.module.path.removesuffix(".py")
    if (
        {kit.module.path, kit.test.path} & taken
        or kit.module.path.split("/")[0] in taken
        or stem in world.tree.folders
    ):
        return None
    if any(kit.target in text for text in world.tree.files.values()):
        return None
    folders = len(kit.module.path.split("/")) > 1
    if "tests" in world.tree.files or kit.test.path.split("/")[0] in world.tree.files:
        return None
    if (
        kit.style == "pytest"
        and f"import {stem.rsplit('/', 1)[-1]}\n" in kit.test.text
        and "(" in kit.shown
        and not kit.before
    ):
        return None  # the report would show the module's absolute path
    for plan in (kit.module, kit.test):
        world.tree.add(plan.path, plan.text)
    if kit.module.text.count(kit.wrong) != 1 or (folders and kit.style == "unittest"):
        for plan in (kit.module, kit.test):
            world.tree.remove(plan.path)
        return None
    return kit


def fix(world: World, kit: Kit) -> bool:
    rng, s, v, tree = world.rng, world.s, world.voice(), world.tree
    if (
        kit.module.path not in tree.files
        or kit.test.path not in tree.files
        or tree.files[kit.module.path].count(kit.wrong) != 1
    ):
        return False
    test, module = kit.test.path, kit.module.path
    if sum(1 for p in tree.files if p.rsplit("/", 1)[-1].startswith("test_")) > 1 or kit.style == "script":
        only = False
    else:
        only = True
    unit_name = test.removesuffix(".py").replace("/", ".")
    by_script = kit.style == "script" and not test.rsplit("/", 1)[-1].startswith("test_")
    loose = kit.style == "script" and not by_script and "def test_" not in kit.test.text
    loose = loose and rng.random() < 0.7 and reports.collected(rng, tree, kit, test) is not None
    if loose:
        style = rng.choice(("named", "named", "command"))
        command = f"python3 -m pytest -q {test}"
    elif kit.style == "script" and not by_script:
        command = f"python3 {test}"
        style = "command"
    elif by_script:
        command, style = f"python3 {test}", rng.choice(("named", "named", "command"))
    elif kit.style == "unittest":
        command, style = rng.choice(
            (
                (f"python3 -m unittest {unit_name}", "command"),
                (f"python3 {test}", "command"),
                ("python3 -m unittest", "command"),
            )
        )
        if "/" in test and command != f"python3 -m unittest {unit_name}":
            command = f"python3 -m unittest {test}"  # only a path or a dotted name is found from here
        if command == "python3 -m unittest" and not only:
            return False
    else:
        style = (
            rng.choice(("named", "named", "named", "command", "any"))
            if only
            else rng.choice(("named", "command"))
        )
        command = (
            "python3 -m pytest -q"
            if style == "any"
            else rng.choice(
                (
                    f"python3 -m pytest -q {test}",
                    f"python3 -m pytest -q {test}",
                    "python3 -m pytest -q" if only else f"python3 -m pytest -q {test}",
                )
            )
            if style == "command"
            else f"python3 -m pytest -q {test}"
        )
    mark = rng.choice(("`", "`", ""))
    slots = {
        "X": v.path(test),
        "c": f"{mark}{command}{mark}",
        "p": rng.choice(words.PEOPLE[world.split]),
    }
    wording = {"named": phrasings_more.FIX, "any": phrasings_more.FIX_ANY, "command": phrasings_more.FIX_CMD}[
        style
    ]
    world.ask("fix", wording(rng, world.split, slots).strip(), edits=False)

    def outcome(good: bool) -> str:
        if command.startswith("python3 -c "):
            return status(*Program(tree, [test]).code(command.removeprefix("python3 -c ").strip("'")))
        if loose:
            report = None if good else reports.collected(rng, tree, kit, test)
            return status(report, 2) if report else status(f"\nno tests ran in {reports.seconds(rng)}s", 5)
        if kit.style == "pytest":
            return (
                reports.passed(rng, len(kit.marks))
                if good
                else status(reports.failed(rng, tree, kit, test), 1)
            )
        if kit.style == "unittest":
            out, code = Program(tree, [test]).unittest(test, "0.000")
            if command == f"python3 {test}":
                out = out.replace(f"({unit_name}.", "(__main__.")
            return status(out, code)
        return status(*run_script(tree, test))

    if kit.style == "pytest" and style != "command" and rng.random() < 0.1:
        command = _without_pytest(world, kit, command)
    else:
        s.bash(_TEST_RUN(rng, {"c": command}), command, outcome(False))
    if kit.shown not in s.steps[-1].result:
        s.bash(rng.choice(_UNCLEAR).format(t=test, right=kit.expected), *tree.cat(test))
    left = repr(_left(world, kit))
    facts = {
        "call": kit.shown,
        "left": left,
        "right": kit.expected,
        "target": kit.target,
        "f": module,
        "a": kit.wrong,
        "b": kit.right,
        "c": command,
    }
    s.bash(_FAILURE(rng, facts), *tree.grep_all(kit.target, "-rnIF"))
    if not kit.constant:
        s.bash(_READ(rng, facts), *tree.cat(module))
    s.edit(_REPAIR(rng, facts), command="str_replace", path=module, old_str=kit.wrong, new_str=kit.right)
    s.bash(_AGAIN(rng, facts), command, outcome(True))
    if loose:
        command = f"python3 {test}"
        lead = f"No error any more. {test} has no test functions, so I run it as a script: {command}."
        s.bash(lead, command, status(*run_script(tree, test)))
        facts["c"] = command
    s.answer("It passes now.", _FIXED(rng, facts), module)
    return True


def _without_pytest(world: World, kit: Kit, command: str) -> str:
    """pytest is not installed: read the test file and call its functions.

    Returns the command that stands in.
    """
    s, tree, test = world.s, world.tree, kit.test.path
    if command == "python3 -m pytest -q" or "/" in test:
        s.bash(_TEST_RUN(world.rng, {"c": command}), command, reports_text(world, kit))
        return command
    python = world.rng.choice(
        (
            "/usr/bin/python3",
            "/usr/local/bin/python3",
            f"{tree.cwd}/.venv/bin/python3",
            "/opt/venv/bin/python3",
        )
    )
    s.bash(_TEST_RUN(world.rng, {"c": command}), command, status(f"{python}: No module named pytest", 1))
    s.bash(f"pytest is not installed. I read {test} to call its tests myself.", *tree.cat(test))
    tests = [x.removeprefix("def ").removesuffix(":") for x in tree.lines(test) if x.startswith("def test_")]
    stem = test.removesuffix(".py")
    code = f"from {stem} import *; {'; '.join(tests)}"
    instead = f"python3 -c '{code}'"
    s.bash(
        f"The tests are {', '.join(tests)}. Call them.", instead, status(*Program(tree, [test]).code(code))
    )
    return instead


def reports_text(world: World, kit: Kit) -> str:
    return status(reports.failed(world.rng, world.tree, kit, kit.test.path), 1)


def _left(world: World, kit: Kit) -> object:
    from .sandbox import namespace

    return eval(kit.shown, dict(namespace(world.tree, kit.module.path)))
