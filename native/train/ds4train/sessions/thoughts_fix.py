"""What the assistant thinks and says while it repairs what a check complains about."""

from __future__ import annotations

from .grammar import Phrases

RUN = Phrases("""
[Run|Start with|First] `{c}`[ to see what fails|].
I run {c} to see what it expects.
See what {c} says.
""")
UNCLEAR = Phrases("""
[It says|The last line is] `{said}`. What is compared[ there|]? Read {x}.
`{said}`: that does not show all. I read {x}.
Read {x} to see what is checked.
""")
GREP = Phrases("""
`{call}` must be {e}. Where is {t}?
{e} is expected for `{call}`. I look for {t}.
The check wants {e} from `{call}`. Find {t}.
`{call}` should give {e}. Search {t}.
""")
READ = Phrases("""
{t} is in {f}; `{call}` must be {e}. Read {f}.
That does not show the value yet. Read {f}.
The definition is in {f}. I read it; {e} is expected.
`{call}` must be {e}. {t} comes from {f}, read it.
""")
FOLLOW = Phrases("""
{f} takes it from {o}: look there.
The value is not in {f}, it comes from {o}. Read {o}.
{t} uses {clue}, which stands in {o}. Read {o}.
""")
EDIT = Phrases("""
In {f} it is `{a}`. `{call}` must be {e}, so it becomes `{b}`.
`{a}` in {f} is wrong: {e} is expected for `{call}`. The line must be `{b}`.
The line is `{a}`; with {e} expected it is `{b}`.
Change `{a}` in {f} to `{b}`: then `{call}` is {e}.
""")
AGAIN = Phrases("""
Run {c} again.
Now `{c}` once more.
Check it: `{c}`.
""")
NEXT = Phrases("""
The next one fails now: `{said}`.
That one is right now, but another fails: `{said}`.
It goes further now and says `{said}`.
""")
FOUND = Phrases("""
The check is {x}. Run `{c}`.
{x} looks like the check. I run {c}.
Found: {x}. See what `{c}` says.
""")
DONE = Phrases("""
`{c}` passes now. {w}
It passes now. {w}
{w} `{c}` passes.
Repaired: {w} `{c}` runs without an error now.
""")
WAS = Phrases("""
In {f} `{a}` is now `{b}`.
I changed `{a}` to `{b}` in {f}.
The mistake was `{a}` in {f}; it is `{b}` now.
{f} had `{a}` where `{b}` was expected, so I changed it.
""")
