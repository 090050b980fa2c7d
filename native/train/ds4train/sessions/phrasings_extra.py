"""A second hand's wordings for the same families: longer, more talkative, more like tickets and chat
messages.

extend() joins them to the pools of phrasings.py and phrasings_more.py; the notation and the slots are the
same.
"""

from __future__ import annotations

from . import phrasings, phrasings_more
from .grammar import Wordings

_EXTRA: list[tuple[Wordings, str]] = [
    (
        phrasings.CHANGE,
        """
I want {F} to use {v} for {k}[, nothing else should change|]
[edit|update] {F}. {k} must be {v} [there|in it|afterwards]
in {F} you will find {k}; [it has to be|change it so that it is|please set it to] {v}
{F} has {k} set to the wrong value. [Please change it to|It should be] {v}
[change|set] {k} ({F}) to {v}
[change|set] {k}, which is in {F}, to {v}
[please |]update the configuration in {F}: {k} should now be {v}
[go into|have a look at] {F} and make sure {k} is {v}
make sure that {k} is {v} in {F}
ensure {k} in {F} is set to {v}
in the configuration file {f}, [change|set] {K} to {v}
our {k} is off. In {F}, [change it to|make it] {v}
[someone|the team] decided that {k} should be {v}. [Change|Update] {F}
{k} should become {v}; the file is {f}
the file {f} defines {k}. [Redefine it as|Give it the value|Make it] {v}
the constant {k} in {F} [needs to be|should be] changed to {v}
the variable {k} in {F} gets a new value, {v}
I'd like the {k} [setting|value] in {F} to be {v}
change {F} so that {k} is {v}
update {k} to {v} in the file {f}
[set|change] the value for {k} to {v}, the file is {F}
edit the file {f}: set {k} to {v}
modify {F} [and set|by setting] {k} to {v}
[raise|lower|increase|decrease|reduce] {K} in {F} to {v}
[increase|raise|lower] the {k} in {F} to {v}
turn {k} in {F} into {v}
[the task is simple|simple task]: in {F} set {k} to {v}
{F} line with {k}: value should be {v}
""",
    ),
    (
        phrasings.CHANGE_OLD,
        """
[change|update] {k} in {F} from its current value {o} to {v}
{F} sets {k} to {o}. Change it to {v}
{F} [sets|defines|gives] {k} as {o}[;|,] [we need|it should be|change this to] {v}
[at the moment|currently] {F} has {k} set to {o}, but it should be {v}. [Update it|Please fix]
the {k} of {o} in {F} is [too low|too high|outdated|old|wrong]. [Set it to|Use|Make it] {v}
the {k} in {F} is {o} and should be {v}
{k}: {o} should become {v}, see {F}
in {F} the value of {k} is {o}, [change|set] it to {v}
[change|replace] the {o} of {k} in {F} [to|with] {v}
[increase|raise|lower|reduce] {k} from {o} to {v} in {F}
edit {F}, {k} goes from {o} to {v}
I see {k} is {o} in {F}; [I want|it needs to be|set it to] {v}
""",
    ),
    (
        phrasings.CHANGE_NOFILE,
        """
[change|set] {k} to {v}, [you will have to find the file|look for the file that has it|wherever it is]
there is a setting {k} in one of the files here. Set it to {v}
[search|look] for {k} and change its value to {v}
{k} should be {v} in this project. [Find it and change it|Please update it]
update the value of {k} to {v}
""",
    ),
    (
        phrasings.RENAME,
        """
rename {what} {k} to {v} and update [everything that uses it|all the places that use it|every file that uses it]
rename {k} to {v} in all [the |]files [of this project|here|that use it]
please rename {k}, it should be {v} [in every file|everywhere]
in {F} there is {what} {k}. Rename it to {v}[, also where it is used|]
{what} {k} from {F} should be renamed to {v}[, including where it is used|]
the name {k} is [confusing|misleading|unclear|too short|wrong]. [Rename it to|Use|Make it] {v} [everywhere|]
I don't like the name {k}. [Rename it to|Change it to] {v}
we decided to call {what} {v} instead of {k}. [Update the code|Rename it|Change it everywhere]
use the name {v} instead of {k} [everywhere|in the whole project|in all files]
every {k} should become {v}
change {k} to {v} everywhere [it is used|it appears|]
[change|rename] all occurrences of {k} to {v}
[change|rename] {k} into {v} across [the project|all files|the code base]
rename the identifier {k} to {v}
rename the symbol {k} to {v} [in the project|]
{F} [defines|has] {what} {k}; rename it to {v}
replace {k} by {v} as the name of {what}
[make|do] the following rename: {k} becomes {v}
""",
    ),
    (
        phrasings.RUN,
        """
run {c} [in the project folder|in the repository|here] and tell me what it prints
run {c} in the shell, [and tell me the output|what is printed|and report what it printed]
please run {c} for me and [report|tell me] what it prints
I'd like you to run {c} and tell me [what it printed|the output|the result]
execute the command {c} and [tell me what it printed|report its output|report the result]
can you run {c} and tell me what [it says|it prints|you get]?
what does the command {c} [print|output]?
what is printed [by the command|when you execute] {c}?
[report|tell me] exactly what {c} prints
[give me|report] the exact output of {c}
run {c} and answer with [its output|what it prints|the output only|exactly what it prints]
run {c} and tell me the [number|value|text|line] it prints
use bash to run {c}. [What does it print|Tell me the output]
command: {c}\\n[What is the output|Run it and report the output]?
[I can't run things here|My terminal is broken|I am on my phone], can you run {c} and tell me what it prints?
what's printed when {c} runs?
""",
    ),
    (
        phrasings.RUN_SCRIPT,
        """
run the script {f} and tell me what it [prints|printed|says]
run the program in {F} and [tell me|report] its output
[please |]run {F} with python3 and [report|tell me] [what it printed|the output]
what does running {f} print?
what number does {f} print?
what text does {f} print?
execute the script {f}. [What does it print|Report its output]
run {F}, what is [printed|the last line it prints]?
there's a small script, {f}. [What does it print when run|Run it and tell me what it prints]?
""",
    ),
    (
        phrasings.LOOKUP,
        """
what is the {k} [defined|set|given|configured] in {F}?
what {k} does {F} [define|set|have|use|specify]?
[find|look up] what {k} is set to in {F}
[open|look at] {F} and tell me [which value {k} has|what value is set for {k}]
[please |]look up {k} in {F}
[please |]tell me the value of {k} in {F}
[could you tell me|do you know|can you tell me] what {k} is set to in {F}?
which value does {F} have for {k}?
what's the value of {k} in the file {f}?
from {F}, [what is|tell me|read me] {k}
I forgot what {k} is in {F}. [Can you look|Look it up|Please check]
[check|see] {F}: what is {k} [there|set to]?
look in {F}, what is the {k}?
[to what|to which] value is {k} set in {F}?
read {F} and answer: what is {k}?
what is the value assigned to {k} in {F}?
""",
    ),
    (
        phrasings.FIND,
        """
[which|what] file in this [repository|project|folder] [contains|has] the word {w}? [Tell me its name|Tell me the path|]
one of the files [here|in this repository] [contains|mentions] {w}. [Find out which one|Which one is it|Tell me which]
one file [here|in this repo] has the word {w} in it. [Find it|Which is it|Tell me its path]
find the file which [contains|mentions] the word {w}
find which file [contains|has|mentions] {w} and [tell me its path|report the path|give me its name]
I'm looking for the word {w}. [Which file has it|In which file is it]?
[search|look] through the [files|project|repository] and tell me which [one|file] [contains|mentions] {w}
in which of the files does {w} [appear|occur]?
where did [we|I|they] write {w}? [Tell me the file|Which file is it]
what is the name of the file that [contains|holds] the word {w}?
only one file [mentions|contains] {w}; [which one|find it|tell me its name]
the word {w} is in one of these files. Which?
the word {w} [occurs|appears] [somewhere|in one file] in this project. [In which file|Where|Find the file]
can you find [out |]which file {w} is in?
""",
    ),
    (
        phrasings.APPEND,
        """
[add|append] a line to [the end of |]{F}: {l}
[add|append] a line to {F} that [says|reads] {l}
add the following as the last line of {F}: {l}
add one line at the end of {F}, it should [say|read|be] {l}
add the text {l} as a new line at the end of {F}
[put|add] the line {l} after everything else in {F}
at the very end of {F}, add {l}
the file {f} should get {l} as its new last line
{F} is missing a last line: {l}[. Add it|]
append to {F} the line {l}
append to {F}: {l}
add {l} on a new line at the end of {F}
keep {F} as it is but add {l} as [the last line|a new last line]
""",
    ),
    (
        phrasings_more.CREATE_LINE,
        """
create a file named {p} [that contains|containing|with] [exactly |only |just ]the line {l}
create a file {p} [that contains|containing|with] the text {l}
create a file named {p} with the content {l}
create the file {p} with the text {l} [in it|inside|]
create {F} with exactly this content: {l}
create {F} with exactly one line: {l}
create a new file at {p} that contains {l}
create a new file named {p}. It should contain the line {l}
make a new file {p}. Its [only line|content|text] is {l}
make a file {p} and write {l} [in it|into it]
write the line {l} into a new file called {p}
write the text {l} to {p}
add a file called {p} to the project with the text {l}
please add a file {p} that says {l}
I want a file {p} that contains [exactly |]{l}
there is no {p} yet. Create it with the [line|text|content] {l}
""",
    ),
    (
        phrasings_more.FIX,
        """
{X} fails with an assertion error. [Fix the code|Find the bug in the code and fix it|Please fix it]
the test [file |]{X} fails. [Look at|Read] the [message|assertion|error], fix the code, and run it again
run {X}, [it fails|there is a failure]. [Fix the bug|Find the cause and fix it|Correct the code]
one assertion in {X} fails. [Find out why and fix the code|Fix the code so that it passes]
[please |]fix the code so the assertion in {X} holds
running {X} fails. Fix the [problem|code|bug] [and check that it passes|and run it again|]
[there is|there's] a bug [somewhere|in the code]: {X} fails. Fix it
{X} does not pass. [Fix the code|Repair the code|Make it pass]
[the|a] failing test is in {X}. Fix the code [it tests|under test|] so that it passes
the tests in {X} [fail|don't pass|are failing]. [Fix the code|Make them pass]
{X} complains about a wrong value. [Fix the code|Correct it|Fix it]
""",
    ),
    (
        phrasings_more.FIX_CMD,
        """
{c} fails with an assertion. [Fix the code so that it passes|Fix the bug|Please fix]
when you run {c}, an assertion fails. [Fix the code|Fix it]
run {c}. An assertion fails; [fix the code|fix it and run it again]
fix the code until {c} passes
{c} is red. [Make it green|Fix the code]
the command {c} fails. [Fix the code and run it again|Fix the cause]
{c} must pass. [Fix the code|Right now an assertion fails, fix it]
""",
    ),
    (
        phrasings_more.CREATE_BLOCK,
        """
create {F} with this content:\\n\\n{B}\\n\\n[Nothing else|Nothing more], please.
create {F} containing\\n\\n{B}\\n\\n[nothing else in it please|and nothing else|no other text]
create a file [called|named] {p} with [this content|these lines|the following text]:\\n{B}
please create [a file called|a file named|the file] {p} with [these|the following] lines:\\n{B}
please create {F} with exactly this [content|text]:\\n\\n{B}
add a file {p} that contains exactly this:\\n\\n{B}
add a file {p} that contains [exactly |]the following:\\n\\n{B}
I want a new file {p} with this in it:\\n\\n{B}
make a new file called {p}. It should contain these lines:\\n{B}
make the file {p} and put exactly these lines in it:\\n\\n{B}
write a file called {p}. The content is:\\n\\n{B}
the file {p} does not exist yet. Create it with this content:\\n\\n{B}
here is the content of {p}, [please create it|create the file]:\\n\\n{B}
""",
    ),
    (
        phrasings_more.CREATE_LINE,
        """
make [a|an] {p} file that [just says|says|says only|contains only|contains] {l}
make [a|an] {p} file with [just|only] {l} in it
[a|an] {p} file that just says {l} would be nice
create [a|an] {p} file [containing|with] [just|only] {l}
I'd like a file {p} [with just|with only|that just has] the text {l}
""",
    ),
    (
        phrasings_more.SHOW,
        """
what does {F} say exactly?
read {F} to me
[can you|please] show me what {F} contains
""",
    ),
    (
        phrasings_more.THANKS,
        """
[thank you|thanks], that was all [for today|for now|I needed]
[thank you very much|many thanks|thanks so much]
thanks, [bye|goodbye|see you]
that was all, [thank you|thanks]
""",
    ),
]


def extend() -> None:
    """Add the lines to their pools; called once, when the package is imported."""
    for wordings, text in _EXTRA:
        wordings.extend(text)
