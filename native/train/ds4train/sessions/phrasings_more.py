"""More wordings: creating files, tests, checks, moving files, conversation."""

from __future__ import annotations

from .grammar import Wordings

CREATE_LINE = Wordings("""
create {F} [with|containing|holding] {l}
create {F} with the [content|text|contents] {l}
create {F} with [content|text]: {l}
create {F} with the single line {l}
create a file [called|named] {p} [with the content|containing|with the text|that contains|that says] {l}
create a new file {p} [with|containing] [the text |the line |]{l}
create [a|the] file {p} [containing|with] exactly {l}
create the file {p} [whose|with] content [is|being] {l}
create [a text file|a file] {p} with one line: {l}
create {F} that [says|reads|contains] {l}
create {F}: {l}
make a file [called|named] {p} [with|containing|that says] {l}
make a [new |]file {p} [with the text|with the content|that contains] {l}
[make|write|add] {F} [with|containing] the [line|text|content] {l}
write {l} [to|into] a [new |]file [called|named] {p}
write {l} [to|into] {F}
write a [new |]file {p} [with|containing] {l}
write a file [called|named] {p} [that contains|with] the [text|line|content] {l}
[add|put] a [new |]file {p} [with|containing] [the content|the text|the line|] {l}
put {l} [in|into] a new file [called|named|] {p}
put the text {l} into {F}
save {l} [as|to|in] {F}
save the [text|line] {l} [in|to|as] {F}
store {l} in [a new file |]{p}
[we need|I need] a file {p} [with|containing|that says] {l}
[we need|I need] a new file {p}. [Its content|The content|It] should be {l}
there should be a file {p} [containing|with the content|that says] {l}
a file {p} [with|containing] the [text|content] {l} is [missing|needed]. [Create it|Add it]
{p} should [exist and contain|contain|be a new file with] {l}. [Create it|]
file {p}, content {l}. Create it
new file: {p}\\ncontent: {l}
file name: {p}\\ncontent:\\n{L}
create {F} with this content:\\n{L}
create {F} with the following [line|content]:\\n\\n{L}
create {F} with this content:\\n```\\n{L}\\n```
in a new file {p}, write {l}
into a new file {p} [write|put] the line {l}
generate [a file |]{p} with [the content|the text] {l}
start a file {p} with the line {l}
touch up the project with a new file {p} [containing|that holds] {l}
set up {F} so that it contains [only |just |]{l}
create a file at {p} [with|containing] {l}
create a file at {p}. [It should contain|Content:|Put in it] {l}
""")

CREATE_BLOCK = Wordings("""
create {F} with [this|the following|exactly this] content:\\n\\n{B}
create {F} with [this|the following] content:\\n{B}
create {F} with these lines:\\n{B}
create {F} with [these|the following] lines:\\n\\n{B}
create {F}:\\n\\n{B}
create {F}:\\n{B}
create a file [called|named|] {p} [containing|with]:\\n\\n{B}
create a [new |]file {p} with this [content|text]:\\n{B}
create the file {p} [and put this in it|and write this into it]:\\n{B}
write [this|the following] [to|into] {F}:\\n\\n{B}
write [this|the following] into a new file {p}:\\n{B}
write a file {p} with [this|the following] [content|text|code]:\\n\\n{B}
make a file {p} [that contains|with|containing]:\\n{B}
make {F} with the following [content|lines|text]:\\n\\n{B}
add a [new |]file {p} with [this|the following] content:\\n\\n{B}
add {F} to the project:\\n\\n{B}
save [this|the following] as {F}:\\n\\n{B}
save this [to|as|in] {F}:\\n{B}
put [this|the following] [in|into] {F}:\\n\\n{B}
put these lines into a new file {p}:\\n{B}
I need a file {p} with [this|the following] content:\\n\\n{B}
we need {F}. [Content|Its content]:\\n\\n{B}
[this|the following] should go into a new file {p}:\\n\\n{B}
new file {p}:\\n\\n{B}
{p} should [contain|look like this|hold]:\\n\\n{B}
{p}:\\n\\n{B}\\n\\n[Create that file|Please create this file|Create it].
{B}\\n\\n[Save|Write|Put] [this|that] [as|to|into] {F}.
{B}\\n\\nCreate {F} with [this|that|the above] content.
the [content|text] of the new file {p} [is|should be]:\\n{B}
generate {F} with exactly these lines:\\n{B}
""")

CREATE_LINES = Wordings("""
create {F} with {n} lines: {m}
create {F} with the lines {m}
create {F} with the lines {m}, [in this order|one per line|each on its own line]
create a file [called|named|] {p} [with|containing] {n} lines: {m}
create a file {p} that [lists|contains] {m}, one per line
create {F} [listing|containing] {m}, one [on each|per] line
write {m} [to|into] {F}, one per line
write a file {p} with these {n} lines: {m}
make a file {p} with {m} on separate lines
make {F} with {n} lines, {m}
put {m} into a new file {p}, [one per line|each on a line of its own]
save the [words|items|lines] {m} in {F}, one per line
I need a file {p} with the lines {m}
{p} should have {n} lines: {m}. [Create it|]
a new file {p} [with|holding] {n} lines: {m}
add a file {p} with one line[ for|] each: {m}
""")

FIX = Wordings("""
[the test|a test|one test] [in|of] {X} fails. [Fix it|Fix the code|Please fix the code|Make it pass|Find out why and fix it]
[a|the] test in {X} is failing, [fix it|fix the code|make it pass|find the bug and fix it]
{X} fails. [Fix the code|Fix it|Make it pass|Fix the bug|Please fix]
{X} is [failing|broken|red]. [Fix the code|Make it pass|Make it green|Please repair it]
[fix|repair] the failing test in {X}
[fix|repair] the code so that {X} passes
[fix|correct] the bug that makes {X} fail
make {X} pass
make the test[s|] in {X} pass
make the failing test in {X} pass
make [sure|] {X} passes[ again|]
[get|bring] {X} [to pass|back to green|to green]
run {X} and fix [what fails|the failure|the bug|the code|whatever is broken]
run {X}, [read the failure|see what fails|look at the error], and fix the code
run {X}. It fails; fix [it|the code|the bug]
run the test in {X} and fix the code [until it passes|so that it passes]
[there is|we have|I have] a failing test in {X}. [Fix it|Fix the code|Can you make it pass]
[there is|we have] a bug that {X} [catches|shows|finds]. Fix it
{X} [shows|reports|catches] a bug. [Fix it|Fix the code|Find it and fix it]
why does {X} fail? [Fix it|Fix the cause|Please fix the code]
the assertion in {X} fails. [Fix the code|Correct the code|Change the code so that it holds|Fix it]
an assertion in {X} [fails|does not hold]. Fix the [code|source], not the test
[fix|change] the code, not the test, so that {X} passes
{X} [should|must] pass. [Fix the code|Right now it fails|It doesn't; fix the code]
debug {X} and [fix the code|make it pass]
[CI|The build] is red because of {X}. [Fix it|Fix the code|Please repair it]
[CI|the pipeline] fails on {X}, [please fix|fix the code]
[someone|{p}] broke {X}. [Fix it|Repair the code|Make it pass again]
since [the last|yesterday's] change {X} fails. [Fix the code|Fix it]
{X} raises an AssertionError. [Fix the code|Fix it|Fix the cause]
[look at|check|investigate] {X}: it fails. [Fix the code|Fix the bug|Make it pass]
test failure in {X}, [please fix|fix it]
[I get|I see] an assertion error from {X}. [Fix it|Fix the code]
find and fix the bug that makes {X} fail
""")

FIX_ANY = Wordings("""
[the tests fail|a test fails|one of the tests fails|the test suite fails]. [Fix the code|Fix it|Make them pass|Find out why and fix it]
[fix|repair] the failing test
[fix|repair] the failing [tests|test suite]
make the tests pass
make the [failing test|test suite] pass [again|]
run the tests and fix [what fails|the failure|the bug|the code]
run the tests and make them pass
run the test suite. If something fails, fix [it|the code]
[the tests are|the test suite is|CI is] [red|broken|failing]. [Fix the code|Fix it|Make it green]
[one|a] test is [failing|red], [fix it|fix the code|find the bug]
[there is|we have] a bug and a test [that shows it|for it]. Fix the bug
[get|bring] the tests [back to green|to pass]
the tests [should|must] pass but [they don't|one fails]. [Fix the code|Fix it]
find out why the tests fail and fix the code
[please|] fix the code so that [the tests|all tests] pass
why do the tests fail? Fix the [cause|code|bug]
""")

FIX_CMD = Wordings("""
{c} fails. [Fix the code|Fix it|Make it pass|Find the bug and fix it]
{c} [fails|is failing|breaks|stops] with an assertion [error|]. [Fix the code|Fix it]
run {c} and fix [what fails|the failure|the code|the bug]
run {c}. It fails[;|,] fix the code [so that it passes|]
run {c}, fix the [code|bug] and run it again
make {c} [pass|succeed|work|exit with 0|run without errors]
fix the code so that {c} [passes|succeeds|works|runs clean]
[fix|repair] the bug that makes {c} fail
when I run {c} I get an [AssertionError|assertion error]. [Fix it|Fix the code]
{c} should [succeed|pass] but [it fails|doesn't]. [Fix the code|Fix it]
[use|start with] {c} to see the failure, then fix the code
why does {c} fail? [Fix it|Fix the code]
[CI|the pipeline] runs {c} and it fails, fix the code
{c} reports a wrong [value|result]. [Fix it|Fix the code|Correct it]
please get {c} to pass
""")

COUNT_LINES = Wordings("""
how many lines [does {F} have|are in {F}|are there in {F}|has {F}]?
how long is {F} in lines?
count the lines [of|in] {F}
count how many lines {F} has [and tell me|]
tell me [how many lines {F} has|the number of lines in {F}]
what is the number of lines in {F}?
number of lines in {F}?
[report|give me] the line count of {F}
line count of {F}?
I need the number of lines in {F}
how many lines does {F} have? [Answer with|Just|Reply with] [the number only|the number|a number]
""")

CONTAINS = Wordings("""
does {F} [contain|mention|include|have] {w}?
is {w} [in|mentioned in|contained in|present in] {F}?
does {w} [occur|appear] in {F}?
check [whether|if] {F} [contains|mentions|has] {w}
check [whether|if] {w} [is|appears] in {F}
can you find {w} in {F}?
is there [a line with |]{w} in {F}?
tell me [whether|if] {F} [contains|mentions] {w}
{F}: does it [contain|mention] {w}?
[look|search] in {F} for {w}. Is it there?
verify that {F} contains {w}
I think {F} [mentions|contains] {w}. [Is that right|Is it true|Can you check]?
""")

COUNT_WORD = Wordings("""
how many lines [in|of] {F} [contain|mention] {w}?
[on|in] how many lines of {F} does {w} [occur|appear]?
count the lines [in|of] {F} that [contain|mention] {w}
tell me how many lines of {F} contain {w}
how [often|many times] does {w} [occur|appear] in {F} (count lines)?
number of lines with {w} in {F}?
count {w} in {F} by lines
give me the number of lines in {F} that [contain|have] {w}
""")

SHOW = Wordings("""
what is [in|inside] {F}?
what does {F} contain?
show me {F}
show me [the content|the contents|what is in] {F}
print {F}
print the contents of {F}
[read|open] {F} and tell me what it says
[tell me|report] what [is in|is written in] {F}
what's [in|written in] {F}?
what are the contents of {F}?
give me the content of {F}
display {F}
cat {F}
what does {F} say?
""")

DELETE = Wordings("""
delete {F}
remove {F}
delete the file {p}
remove the file {p} [from the project|from the repo|]
get rid of {F}
{F} is [not needed|no longer needed|obsolete|unused]. [Delete|Remove] it
we don't need {F} any more, [delete|remove] it
[drop|erase] {F}
please delete {F} [from disk|]
""")

MOVE = Wordings("""
[move|rename] {F} to {v}
rename the file {p} to {v}
move the file {p} to {v}
{F} should be [called|named|at] {v}. [Rename it|Move it]
the file {p} [should|must] [be renamed to|move to|become] {v}
change the [name|path] of {F} to {v}
[rename|move] {p} -> {v}
{p} belongs at {v}, move it
put {F} at {v} instead
""")

COPY = Wordings("""
copy {F} to {v}
make a copy of {F} [at|called|named] {v}
duplicate {F} as {v}
create {v} as a copy of {F}
{v} should be a copy of {F}. [Create it|Make it]
copy the file {p} to {v}
back up {F} as {v}
""")

REMOVE_LINE = Wordings("""
[delete|remove] the line {l} from {F}
[delete|remove|drop] the line [with|containing] {l} [from|in] {F}
in {F}, [delete|remove] the line {l}
{F} [has|contains] the line {l}. [Remove|Delete] it
the line {l} in {F} is [not needed|wrong|obsolete]. [Remove|Delete] it
take the line {l} out of {F}
{f}: [remove|delete] the line {l}
get rid of the line {l} in {F}
""")

INSERT_AFTER = Wordings("""
in {F}, [add|insert] the line {l} after [the line |]{a}
[add|insert] {l} [right after|after|below] the line {a} in {F}
[insert|put] the line {l} [below|after|under] {a} in {F}
{F}: after {a} [add|insert] {l}
after the line {a} in {F}, [add|insert] [a line |]{l}
[add|insert] a new line {l} in {F}, [directly|right] [below|after] {a}
{l} should [come|go|stand] [right |directly |]after {a} in {F}. [Add it|Insert it]
""")

LIST = Wordings("""
which files are in {d}?
list the files in {d}
what is in the folder {d}?
what files [are there in|does] {d} [have|]?
show me the files in {d}
list [everything in|the contents of] {d}
[tell me|report] which files {d} [has|contains|holds]
what's in {d}?
""")

THANKS = Wordings("""
[thanks|thank you|great, thanks|perfect|nice|good job|well done|ok, thanks|thanks a lot|great work|cool, thank you]
[thanks|thank you], that [was|is] [all|what I needed|perfect|helpful]
[great|perfect|good|nice], that [works|is right|is what I wanted]
that's all for [today|now], thanks
""")


PREPEND = Wordings("""
[add|insert|put] the line {l} at the [top|beginning|start] of {F}
[add|insert|put|write] {l} at the [top|very top|start] of {F}
insert {l} as the first line of {F}
[make|use] {l} [the first line of|as the first line of] {F}, [above|before] everything else
{F} should [start|begin] with a new line {l}. [Insert it|Add it]
prepend [the line |]{l} to {F}
prepend this to {F}: {l}
at the [top|beginning] of {F}, [add|insert] {l}
in {F}, [insert|add] the line {l} before the first line
{f}: insert {l} at the top
""")

CHANGE_TEXT = Wordings("""
[change|replace] the [text|word|words|string] {o} [to|with|by] {v} in {F}
[change|replace] {o} [to|with|by] {v} in {F}
in {F}, [change|replace] the [text|word] {o} [to|with] {v}
in {F}, [replace|change|swap] {o} [with|for|to] {v}
{F} says {o}. It should say {v}
{F} says {o}[;| but] it should say {v}
[change|update] the [message|text|title|wording|greeting|phrase] {o} in {F} to {v}
[change|update] the [message|text|title|wording|greeting|line] in {F} from {o} to {v}
{o} in {F} should [be|read|become] {v}
[correct|fix] {o} to {v} in {F}
[fix|correct] the [typo|mistake|error] in {F}: {o} should be {v}
there is a [typo|mistake|wrong word] in {F}: {o} [should be|must be|instead of] {v}
replace the [only|one] {o} in {F} with {v}
[edit|open] {F} and [replace|change] {o} [with|to] {v}
where {F} says {o}, [put|write] {v}
swap {o} for {v} in {F}
use {v} instead of {o} in {F}
{f}: replace {o} with {v}
{f}: {o} -> {v}
the [text|word] {o} in {F} is wrong, [use|write|it must be] {v}
make {F} say {v} instead of {o}
[substitute|put] {v} for {o} in {F}
I want {F} to say {v}, not {o}
""")

SECTION = Wordings("""
[change|set|update] {k} in the {s} section of {F} to {v}
[change|set|update] {k} [under|in] {s} in {F} to {v}
in {F}, [change|set] {k} in [the section |section |]{s} to {v}
in the {s} section of {F}, [change|set|update] {k} to {v}
in {F} under {s}, {k} should be {v}
set {k} to {v} in [the {s} section|section {s}] of {F}
{F}, section {s}: set {k} to {v}
the {k} of {s} in {F} should be {v}
[change|update] the {s} {k} in {F} to {v}
the {s} section of {F} needs {k} = {v}
{F} has {k} twice. [Change|Set] the one [in|under] {s} to {v}
[only|just] the {k} in section {s} of {F} [should|must] become {v}
[change|set] {k} to {v} for {s} in {F}
""")

SECTION_LOOKUP = Wordings("""
what is {k} in the {s} section of {F}?
what is the value of {k} [under|in] {s} in {F}?
in {F}, what is {k} in [the section |section |]{s}?
[look up|tell me] {k} in the {s} section of {F}
which {k} does the {s} section of {F} have?
{F}, section {s}: what is {k}?
what does {F} set {k} to [under|in] {s}?
what is the {k} of {s} in {F}?
[read|find] the {k} [of|in|under] {s} in {F} and tell me its value
""")

TURN_ON = Wordings("""
[turn on|switch on|enable|activate] {K} in {F}
[turn|switch] {K} on in {F}
in {F}, [turn on|switch on|enable|activate] {k}
[turn on|enable|switch on] {k} in {F}[, it is off right now|, it is false at the moment|, please|]
{k} [should|must] be [on|enabled|true|switched on] in {F}
{k} in {F} [should|must] be [turned on|enabled|switched on]
{F} has {k} [off|disabled|switched off]. [Turn it on|Enable it|Switch it on]
we need {k} [enabled|on|switched on]; [it is in|see] {F}
[make|set] {k} true in {F}
edit {F} so that {k} is [on|enabled|true]
""")

TURN_OFF = Wordings("""
[turn off|switch off|disable|deactivate] {K} in {F}
[turn|switch] {K} off in {F}
in {F}, [turn off|switch off|disable|deactivate] {k}
[turn off|disable|switch off] {k} in {F}[, it is on right now|, it is true at the moment|, please|]
{k} [should|must] be [off|disabled|false|switched off] in {F}
{k} in {F} [should|must] be [turned off|disabled|switched off]
{F} has {k} [on|enabled|switched on]. [Turn it off|Disable it|Switch it off]
we need {k} [disabled|off|switched off]; [it is in|see] {F}
[make|set] {k} false in {F}
edit {F} so that {k} is [off|disabled|false]
""")
