"""Wordings of tasks whose second part uses the result of the first (notation: grammar.py).

`ask`: an order that finds a value (k a setting, F its file, c a command, w a word). `noun`: the same value as a noun.
`use`: what to do with it (r the value as it is referred to, W a new file, G an old one, j a setting, l a label).
`show`: a last step (H the file that was written).
"""

from __future__ import annotations

from .grammar import Wordings

ASK = {
    "setting": Wordings("""
[look up|find|read|get|fetch|check|find out] {k} in {F}
[look up|find|get|read|take] the value of {k} [in|from] {F}
[see|find out|check|look] what {k} is [set to|] in {F}
[open|read|look into|go to] {F} and [find|look for|take] {k}
{F} [has|contains|sets] {k}; [read it|find it|look it up]
[in|inside] {F} there is {k}: [find|read|take] its value
I need {k} from {F}
[take|grab|pick|extract] {k} [from|out of] {F}
"""),
    "fact": Wordings("""
[look up|find|find out|get|check|see] {k} in {F}
[read|open|look into] {F} and [find|look for|note] {k}
{F} [says|mentions|tells us] {k}; [read it|find it|look it up]
[somewhere in|in] {F} [you find|there is|stands] {k}. [Find it|Look it up]
[take|grab|pick] {k} [from|out of] {F}
I need {k}, it is in {F}
[find out|see|check] what {F} says about {k}
"""),
    "lines": Wordings("""
count the lines [of|in] {F}
[find out|check|see] how many lines {F} has
[get|determine|work out] the [number of lines|line count] of {F}
count how [long|many lines] {F} is in lines
[use wc to count|count] the lines of {F}
"""),
    "holder": Wordings("""
[find|look for|search for|locate] the file [that|which] [mentions|contains|has] {w}
[find out|see|check] which file [mentions|contains|has] {w}
[one|some] file [here|] [mentions|contains] {w}. [Find it|Find out which]
search [the project|all files|everything] for {w} and see which file [has|mentions] it
"""),
    "command": Wordings("""
run {c}
[execute|start|call] {c}
[run|execute] {c} and [look at|take|keep] the output
[see|find out|check] what {c} [prints|outputs|says]
[use|try] {c}
"""),
    "first": Wordings("""
[read|take|get|look at] the first line of {F}
[see|find out|check] what the first line of {F} [is|says]
[read|get|take] line 1 of {F}
[take|copy|grab] the [top|very first] line of {F}
"""),
    "last": Wordings("""
[read|take|get|look at] the last line of {F}
[see|find out|check] what the last line of {F} [is|says]
[take|copy|grab] the [bottom|very last|final] line of {F}
"""),
    "count": Wordings("""
count the lines [in|of] {F} [that|which] [contain|have|mention] {w}
[find out|see|check] how many lines of {F} [contain|mention] {w}
[count|determine] how often (in how many lines) {w} stands in {F}
"""),
}

NOUN = {
    "setting": Wordings("""
the value of {k} [in|from] {F}
the {k} [of|from|in] {F}
what {k} is [set to|] in {F}
the value that {F} has for {k}
whatever {F} says for {k}
"""),
    "fact": Wordings("""
{k} [from|in] {F}
{k} that {F} [names|mentions|has]
{k} (see {F})
what {F} gives as {k}
{k}, as it stands in {F},
"""),
    "lines": Wordings("""
the number of lines [in|of] {F}
the line count of {F}
how many lines {F} has
"""),
    "holder": Wordings("""
the [name|path] of the file that [mentions|contains] {w}
the path of the [only |]file with {w} in it
"""),
    "command": Wordings("""
the output of {c}
what {c} prints
the result of {c}
"""),
    "first": Wordings("""
the first line of {F}
line 1 of {F}
"""),
    "last": Wordings("""
the last line of {F}
the final line of {F}
"""),
    "count": Wordings("""
the number of lines in {F} that [contain|mention] {w}
how many lines of {F} contain {w}
"""),
}

REFER = Wordings("""
it
that
that value
the value
the result
what you [find|get|see]
the answer
just that
[exactly|only] that
that, and only that,
that value, nothing else,
it (nothing else)
this
""")

CREATE = Wordings("""
[write|put|save|store] {r} [in|into|to] [a new file|the new file|a file called|a file named|the file|a fresh file] {W}
[write|put|save|store] {r} [into|in] {W}
[write|put] {r} [into|in] {W}, [nothing else|and nothing more|without anything around it|just that|one line]
create {W} [with|containing|from] {r}
create a file {W} [whose only line is|that contains just|that holds only|with just] {r}
[make|create] {W}, its [content|only line|text] is {r}
[let|have] a new file {W} [contain|say|hold] {r}
[note|record|keep] {r} in [a new file |]{W}
{W} should [contain|hold|say] {r}[, nothing else| and nothing more|]
I want {r} [in|inside] {W} [(it does not exist yet)|as the only line|]
[use|take] {r} as the [content|text] of [a new file |]{W}
""")

APPEND = Wordings("""
[append|add] {r} [to|at the end of] {G}
[append|add] {r} [to|at the end of] {G} as [a new|the last|one more] line
[put|write] {r} at the [end|bottom] of {G}
[add|append] a line with {r} to {G}
[note|log|record] {r} [on a new line |]at the end of {G}
{G} should get {r} as its [new |]last line
extend {G} [by|with] a line: {r}
""")

LABELLED = Wordings("""
[append|add] {r} to {G}, [as a line that begins with|after the label|behind the words|with this in front:] {l}
[append|add] a line to {G}: {l}, a space and {r}
[add|append|write] a last line to {G} that says {l} followed by {r}
at the end of {G} [add|write] {l} and then {r}, on one line
""")

COPY = Wordings("""
[set|change] {j} in {G} to {r}
[use|take] {r} for {j} in {G}[ too|]
[put|write] {r} [into|as] {j} in {G}
make {j} in {G} [the same|equal to {r}]
give {j} in {G} the same value
[copy|carry] {r} over to {j} in {G}
{j} in {G} [should|must] be [the same|{r}|{r} too]
""")

SAME = Wordings("""
[set|change] {j} in {G} to [the value that|what] {k} has in {F}
{j} in {G} [should|must] [be the same as|equal|match|have the value of] {k} in {F}. [Make it so|Change it|Please change]
make {j} in {G} [the same as|equal to|match] {k} in {F}
copy the value of {k} in {F} to {j} in {G}
[bring|get] {j} ({G}) in line with {k} ({F}); {F} is right
{F} and {G} disagree: {k} in {F} is right, so {j} in {G} must [have|get] that value
use the {k} of {F} as {j} in {G}
{G} should use the value of {k} from {F} for {j}
{k} in {F} is the truth. [Copy|Carry] it to {j} in {G}
""")

TELL = Wordings("""
[tell|let] me [know |]what it [is|says|was]
[tell me|report|say] [the value|the result|it]
[answer|reply] with it
[report|repeat] it here
""")

SHOW = Wordings("""
show me {H} with cat
[show|print|cat] {H}
cat {H} [and tell me what it says|so that I see it|to be sure|]
[show|give] me [the content|the contents] of {H}
[tell me|report|say] what {H} [contains|says|looks like] [now|then|]
[read|print] it back [with cat|]
[show|give] me the [new |]file [with cat|]
let me see [{H}|the file|the result|it]
use cat to [show|check] [it|{H}|the file]
verify [it|the file] with cat
""")

COUNTED = Wordings("""
[tell me|say|report] how many lines {H} has [now|then|]
count the lines of {H}
[run wc on|use wc to count the lines of] {H}
""")

PRINTS = Wordings("""
write a [Python script|Python program|script] {W} that prints {r}
create {W}, a [Python |]script [that prints|printing] {r}
[make|write] {W} so that it prints {r}
put a print of {r} [into|in] a new script {W}
""")
RUN_IT = Wordings("""
run it
run it and [tell me what it prints|show me the output|report the output]
[execute|start|try] it
tell me what it prints
run it with python3
[check|show me] that it works
""")

LINK = Wordings("""
{a} and {b}
{a}, then {b}
{a} and then {b}
{a}. Then {b}
{a}; then {b}
{a}. After that {b}
{a}, after that {b}
{a}. Next, {b}
{a}; [when you have it|when that's done|once done|afterwards] {b}
first {a}, then {b}
First {a}. Then {b}
{a}.\\n{b}.
1. {a}\\n2. {b}
1) {a}\\n2) {b}
- {a}\\n- {b}
* {a}\\n* {b}
Step 1: {a}.\\nStep 2: {b}.
step one: {a}. step two: {b}.
a) {a}\\nb) {b}
[two things|two steps|this, in this order]: {a}; {b}
{a}. [When|Once] you have it, {b}
{a} -> {b}
{a} + {b}
{a}. With that, {b}
before you {b}, {a}
I'd like you to {a} and {b}
please {a} and {b}
can you {a} and {b}?
could you {a}, then {b}?
[your task|the job|to do]: {a}, {b}
""")

LINK3 = Wordings("""
{a}, {b} and {c}
{a}, {b}, and then {c}
{a}, then {b}, then {c}
{a} and {b}, then {c}
{a}. {b}. {c}.
{a}. Then {b}. [Finally|At the end|After that|Last], {c}
first {a}, then {b}, [at the end|finally|last] {c}
1. {a}\\n2. {b}\\n3. {c}
1) {a}\\n2) {b}\\n3) {c}
- {a}\\n- {b}\\n- {c}
{a}\\n{b}\\n{c}
Step 1: {a}.\\nStep 2: {b}.\\nStep 3: {c}.
[three things|three steps|do this in order]: {a}; {b}; {c}
{a}; {b}; {c}
a) {a}\\nb) {b}\\nc) {c}
{a} and {b}. [Also|And] {c}
please {a}, {b} and {c}
can you {a}, {b}, and {c}?
{a}. When you have it, {b}, and {c}
{a} -> {b} -> {c}
""")
