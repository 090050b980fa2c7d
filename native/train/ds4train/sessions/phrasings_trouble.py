"""Wordings about things that fail: check scripts, programs that crash, files that are not there (see grammar.py).

Slots: c the command, X and x the script, f and F a file.
"""

from __future__ import annotations

from .grammar import Wordings

CHECK = Wordings("""
{c} fails. [Fix it|Please fix it|Make it pass|Repair what it complains about|Find out why and fix it]
{c} fails, [fix the cause|please repair it|make it pass]
{c} [exits with 1|returns an error|complains|is red|does not pass]. [Fix it|Make it pass|Please fix the cause]
make {c} pass
make {c} [succeed|exit with 0|happy|green]
make sure that {c} passes
get {c} to pass
fix [whatever|what] {c} complains about
fix the [problem|error] that {c} reports
run {c} and fix what it [complains about|reports|finds]
run {c}. It fails. Fix [it|the cause|what is wrong]
run {c}. If it [fails|complains], fix the [cause|problem|file]
run {c}, see why it fails and fix it
{X} fails. [Fix it|Make it pass|Fix the cause|What is wrong? Fix it]
{X} [is failing|complains|does not pass]. [Fix the problem|Make it pass|Repair it]
the check [in|of] {X} fails, [fix it|please fix it|make it pass]
the check {x} [fails|is red]. [Make it pass|Fix the cause, not the check]
[CI|the pipeline|the build] stops at {c}. [Fix it|Make it pass]
[CI|the release] is blocked because {c} fails. [Fix it|Please fix the cause]
why does {c} fail? [Fix it|Fix the cause]
do what {c} wants
what does {c} want? Do it
bring the project into a state where {c} passes
{c} should pass, but it doesn't. [Fix that|Please look into it and fix it]
do not touch {X}, but make it pass
without changing {X}, make it pass
please satisfy {X}
""")

CRASH = Wordings("""
run {c} and [tell me|report] what [happens|goes wrong]
run {c}. [What happens|What goes wrong|Does it work|Which error do you get]?
what happens when you run {c}?
what goes wrong in {c}?
why does {c} [fail|crash|break|stop]? [Don't change anything|Just tell me|No fix needed]
{c} [crashes|fails]. [Why|What is the error|What's wrong|Which error is it]? Only tell me
{X} [crashes|fails]. Tell me why, [but don't change anything|without changing it]
which error does {c} [raise|give|show|end with]?
does {c} work? [Try it|Run it and tell me]
try {c} and [tell me|report] the error
tell me [which|what] error {c} [gives|ends with|raises]
I get an error from {c}. Which one? [Run it|Try it]
{c} does not work for me. What does it say?
is {X} broken? [Run it|Try it|Check it]
check [if|whether] {X} runs
what is the exit code of {c}?
find out why {X} fails and tell me
""")

CRASH_FIX = Wordings("""
{c} [crashes|fails|breaks|raises an error|stops with an error]. [Fix it|Please fix it|Repair it|Make it work]
{X} [crashes|fails|does not run|raises an exception]. [Fix it|Fix the bug|Make it run|Please repair it]
fix {X}, it [crashes|fails|raises an error]
fix the [bug|crash|error] in {X}
fix the [bug|crash|error] that {c} shows
run {c} and fix the [error|crash|bug]
run {c}. It crashes. [Fix it|Fix the bug]
run {c}, read the error, fix it
make {c} [work|run|run without errors]
make {X} [work|run] again
{X} has a [bug|typo|mistake]. [Find and fix it|Run it to see and fix it]
there is a [bug|typo|mistake] in {X}. [Run it and fix it|Find it and fix it]
[someone|somebody] broke {X}, [repair it|fix it please]
I get an exception from {c}. [Fix it|Can you fix that]?
why does {c} crash? Fix it
something is wrong with {X}: it crashes. [Fix it|Please fix]
debug {X}
""")

MISSING = Wordings("""
what is in {F}?
show me {F}
what does {F} say?
read {F} and tell me what it says
how many lines does {F} have?
what is the [version|name|port|title|author|date] in {F}?
set the [version|port|timeout|name|title] in {F} to {v}
[add|append] the line {v} to the existing file {p}
[delete|remove] the word {v} from {F}
replace {v} in {F} with something shorter
look up the [version|host|owner] in {F}
[what's|what is] the [first|last] line of {F}?
who is mentioned in {F}?
""")
