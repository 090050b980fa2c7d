"""The wordings of every family (see grammar.py for the notation). Slots: f path, k name, v new value, o old
value.
"""

from __future__ import annotations

from .grammar import Wordings

CHANGE = Wordings("""
[change|set|update|switch|adjust|modify] {K} [in|inside] {F} to {v}
[change|set|update|switch] {K} to {v} in {F}
in {F}, [change|set|update|switch|put] {K} to {v}
in {F} [change|set|update] {K} [so that it is|so it's|to be] {v}
{F}: set {k} to {v}
{f}: {k} should be {v}
{k} in {F} [should|must|has to|needs to] be {v}
{k} should be {v} in {F}
make {K} in {F} equal [to |]{v}
make {k} {v} in {F}
[open|edit|go to|take] {F} and [change|set] {K} to {v}
edit {F} so that {k} is {v}
edit {F} and make {k} {v}
[modify|update|edit|change] {F}: {k} = {v}
[update|edit] {F} so {k} [becomes|equals|gets the value|has the value] {v}
[give|assign] {K} the value {v} in {F}
[set|put] {k} = {v} in {F}
the new value of {k} in {F} is {v}. [Update it|Change it|Make the edit|Please apply that]
the value of {k} in {F} is wrong, it should be {v}
{K} in {F} is wrong: it should [be|say|read] {v}. [Fix it|Fix that|Correct it]
{F} has the wrong {k}. [It should be|Set it to|The right value is|Correct is] {v}
[bump|move] {K} in {F} to {v}
we want {k} to be {v}. [It is|It's defined|It lives|You find it] in {F}
{k} lives in {F}. [Change|Set] it to {v}
there is a {k} [setting|entry|line|value] in {F}; [set it to|change it to|make it] {v}
[let|have] {K} in {F} be {v}
I want {v} as the {k} in {F}
use {v} for {K} in {F}
use {v} as {k} in {F}
replace the value of {k} in {F} with {v}
replace the [current|old|existing] value of {k} in {F} [with|by] {v}
in the file {f} the [setting|option|key|value] {k} [must|should] be {v}
[in|inside] {F} there is {k}. Set it to {v}
file: {f}\\nkey: {k}\\nnew value: {v}
File {f}, [setting|key|name] {k}, new value {v}. [Make the change|Change it|Apply it]
[Setting|Key|Name]: {k}\\nFile: {f}\\nChange to: {v}
[set|change] the [setting|option|key] {k} [to|to be] {v} in {F}
{f}: {k} = {v}
{f} - change {k} to {v}
what {k} in {F} holds should become {v}
[reconfigure|configure] {F} with {k} set to {v}
[set|change] the {k} [value|entry|line] [in|of] {F} to {v}
[change|update] the line with {k} in {F} so [it holds|the value is] {v}
{F} [should|must] have {k} set to {v}
{F} [should|must] say {k} is {v}
I'd [rather|like to] have {k} at {v} in {F}. [Change it|Edit the file]
after this, {k} in {F} should [be|equal] {v}
[find|locate] {k} in {F} and [set|change] it to {v}
look for {k} in {F} and [replace its value with|change it to|set it to] {v}
[overwrite|reset] {K} in {F} to {v}
[fix|correct] {K} in {F}: [use|it must be|should be] {v}
the {k} in {F} [ought to|needs to|has to] be {v}
{k} needs a new value in {F}: {v}
new value for {k} ({F}): {v}
""")

CHANGE_OLD = Wordings("""
[change|update|switch|adjust|modify] {K} [in|inside] {F} from {o} to {v}
[change|update|switch] {K} from {o} to {v} in {F}
in {F}, [change|update|switch|move] {K} from {o} to {v}
{k} in {F} is {o}[,| but] [it should be|make it|change it to|should be|it must be] {v}
{k} is {o} in {F}. [Make it|Change it to|Set it to|It should be] {v}
replace {o} with {v} for {K} in {F}
replace {o} by {v} [as|in] {k} in {F}
{f}: {k} {o} -> {v}
{f}: {k} from {o} to {v}
{F} [says|has] {k} {o}; [change that to|it should be|make it] {v}
[right now|currently|at the moment] {k} in {F} is {o}. [Change it to|Make it|Set it to|We want] {v}
{k} [currently|now] has the value {o} in {F}[;|,] [set it to|change it to|please make it] {v}
[bump|raise|move|take] {K} in {F} from {o} to {v}
{K} in {F} [should|must] be {v} instead of {o}
{K} in {F} [should|must] be {v}, not {o}
use {v} instead of {o} for {K} in {F}
instead of {o}, {K} in {F} should be {v}
[set|put] {K} to {v} (it is {o} [now|today|at the moment]) in {F}
[set|change] {K} in {F} to {v} (currently {o})
the value of {k} in {F} went from {o} to {v}. [Update the file|Reflect that|Make the change]
in {F} the {k} [line|setting|entry] has {o}; [it needs|put] {v}[ there|]
we moved {k} from {o} to {v}, update {F}
update {F}: {k} is {o}, [should be|make it|want] {v}
File: {f}\\n{k}: {o} -> {v}
""")

CHANGE_NOFILE = Wordings("""
[change|set|update|switch|adjust] {K} to {v}
[find|look up] where {k} is [set|defined] and [change|set] it to {v}
{K} [should|must|needs to] be {v}
[somewhere in|in] [this repo|this project|the repository] {k} is [set|defined]; [make it|change it to|set it to] {v}
set {k} to {v} [in the config|in the settings|wherever it is defined|in this project]
[I don't know which file has|I am not sure where] {k}[,| is,] but [set it to|it must become|change it to] {v}
[find|locate] {k} and [set|change|update] it to {v}
make {k} {v}
the new {k} is {v}. [Update the config|Change it where it is defined|Please update]
we need {k} = {v}
{k} has the wrong value. [It should be|Use|Set it to] {v}
[one of the files|some file] [sets|defines] {k}. [Change|Set] it to {v} [there|]
use {v} for {k}
{k}: [new value|set to|change to] {v}
switch {K} over to {v}
""")

CHANGE_BARE = Wordings("""
[change|replace] {o} [to|with|by] {v} in {F}
in {F}, [replace|change|swap] {o} [with|for|to] {v}
in {F} [change|replace] {o} [to|with] {v}
{f}: [replace|change|swap] {o} [with|to] {v}
{F} [contains|has|says] {o}. [It should be|Make it|Change that to] {v}
where {F} says {o} it should say {v}
[replace|substitute] {o} in {F} [with|by] {v}
[swap|exchange] {o} for {v} in {F}
{o} in {F} [should|must] be {v}
{o} in {F} is wrong; [it should be|make it|write] {v}
use {v} instead of {o} in {F}
[edit|open] {F} and [replace|change] {o} [with|to] {v}
there is {o} in {F}, [turn it into|make that|change it to] {v}
{f} still [says|has] {o}. Update [it|that] to {v}
put {v} where {F} has {o}
{o} -> {v} in {F}
""")

RENAME = Wordings("""
rename {what} {k} to {v}
rename {k} to {v}
rename {k} to {v} everywhere
rename {what} {k} to {v} [everywhere|in all files|throughout|across the project|in the whole repo|wherever it is used]
rename {k} in {F} to {v}
rename {what} {k} in {F} to {v}
in {F}, rename {what} {k} to {v}
in {F} [rename|change the name of] {k} to {v}
change the name of {what} {k} to {v}
[change|switch] the name {k} to {v} [everywhere|in all files|in the project|throughout the code]
{k} [should|must] be [called|named] {v} [everywhere|]
{what} {k} should be [called|named] {v}[ instead|]
{what} {k} in {F} should be [called|named] {v}
[we want|I want|I'd like] {k} to be [called|named] {v}
give {what} {k} the [new |]name {v}
give {k} [a better|a new|another] name: {v}
replace the name {k} [with|by] {v} [everywhere|in all files|in the whole project]
replace every [use|occurrence|mention] of {k} [with|by] {v}
replace all [uses|occurrences|mentions] of {k} with {v}
{k} is a bad name. [Rename it|Call it|Change it] to {v}
{k} is a bad name, [rename it to|make it|change it to] {v}
{k} is now [called|named] {v}. [Update the code|Change all uses|Apply that everywhere|Please rename it]
{k} -> {v} [everywhere|in all files]
rename: {k} -> {v}
refactor: {k} becomes {v}
refactor {k} to {v} [everywhere|in all files|]
the name of {what} {k} [changes|should change] to {v}
[update|change] all [references|places|calls|uses] [from|of] {k} to {v}
{what} {k} [needs|gets] a new name: {v}. [Update every use|Change it everywhere|Rename it in all files]
[call|name] {what} {k} {v} from now on
wherever the code says {k} it should say {v}
[do|make] a rename of {k} to {v}
rename {what} {k} ({F}) to {v}, [including all uses|with all its uses|and update the callers|and fix the callers]
rename {k} to {v} and [update|fix|adjust] [all callers|every reference|all references|all uses]
[old|current] name: {k}\\nnew name: {v}\\n[rename it everywhere|please rename|Rename it in the whole project]
{what} is [called|named] {k} [today|now]; [rename it to|call it] {v}
can {k} be renamed to {v} everywhere?
[carry out|perform] this rename [everywhere|in the code|]: {k} to {v}
""")

RUN = Wordings("""
run {c} and [tell me|report|say] what it [prints|printed|outputs|says|shows]
run {c} and [show|give|send] me [the output|its output|what it prints|the result]
run {c}
run {c} and report the output
run {c}. What [does it print|is the output|comes out|do you see|did it print]?
run {c}, what [does it print|is the output|do you get]?
[execute|launch|start|call] {c} and [tell me|report] [what it prints|the output|the result|what happens]
execute {c} and [report back|give me the output|show the output]
what does {c} [print|output|show|say|return]?
what is the output of {c}?
what's the output of {c}?
what do you get [when you run|from running|if you run|from] {c}?
what happens [when you run|if you run|if I run] {c}?
what gets printed by {c}?
[tell|show] me what {c} [prints|outputs|shows]
[tell me|report] the output of {c}
[give|show] me the output of {c}
I want to [know|see] what {c} [prints|outputs]
I'd like to [know|see] the output of {c}
[try|use] {c} and [tell me|report] [what it says|the output|what comes out]
[invoke|fire up] {c} and [quote|copy|repeat] [the output|what it prints]
use the shell to run {c} and [give me|report|tell me] [the output|what it printed]
run the command {c} and [tell me|report|show me] [what it printed|its output|the result]
run this command: {c}. [Tell me the output|What does it print|Report what it printed]
run the following [command|] and [tell me|report] [the output|what it prints]: {c}
[run|execute] the following command:\\n\\n{C}\\n\\n[Tell me what it printed|What is the output|Report the output].
```\\n{C}\\n```\\n[Run this|Run that|Execute this] and [tell me|report] [the output|what it prints].
please run\\n\\n    {C}\\n\\nand [tell me|report] what it prints
{c}: [run it|execute it] and [tell me|report] [the output|what it prints]
{c} - what does it [print|say|output]?
output of {c}?
check what {c} [prints|outputs|says]
check [the|its] output [of|when you run] {c}
[see|find out] what {c} [prints|outputs] and tell me
in the shell, run {c} and [report|tell me] [the output|what it prints]
does {c} work? [Run it and tell me what it prints|Run it and show me the output]
run {c}, then [tell me|report] what it printed
run {c} once and [tell me|report] [its output|what it printed]
[when you run|if you run] {c}, what [is printed|does it print|do you see]?
I need the output of {c}
[report|print] what {c} prints
get me the output of {c}
[do|perform] a run of {c} and [tell me|report] the output
""")

RUN_SCRIPT = Wordings("""
run {F} and [tell me|report|say] what it [prints|printed|outputs|says|shows]
run {F} and [show|give|send] me [the output|its output|what it prints]
run {F}
run {F}. What [does it print|is the output|comes out]?
run the [script|program] {f} and [tell me|report] [what it prints|the output]
[execute|launch|start] {F} and [tell me|report] [what it prints|the output|the result]
what does {F} print [when it runs|when you run it|when run|]?
what does the script {f} [print|output]?
what is the output of {F}?
[tell me|report] what {F} prints
[tell|show] me [what|the output] {F} [prints|gives|produces] when you run it
run {f} with [python|python3] and [tell me|report] [what it prints|the output]
use python to run {F} and [tell me|report] what it prints
I want to know what {F} prints
[try|start] {F}, what does it [print|say]?
there is a script {f}. Run it and [tell me|report] [what it prints|its output|the output]
{f}: run it and [tell me|report|show me] [what it prints|the output]
output of {F}?
run {F} and [quote|copy|repeat] its output
what [happens|is printed] when {F} is [run|executed]?
see what {F} prints
""")

LOOKUP = Wordings("""
what is {K} in {F}?
what's {K} in {F}?
what is the value of {k} in {F}?
what value does {k} have in {F}?
what value does {F} [give|assign|set for] {k}?
which value does {k} have in {F}?
which value is set for {k} in {F}?
what is {k} set to in {F}?
what does {F} set {k} to?
what does {F} say [about|for] {k}?
[look up|find|get|read|check] {K} in {F} [and tell me its value|and report it|and tell me|]
[look up|find|read] the value of {k} in {F}
[tell|give] me [the value of {k}|{K}] [from|in] {F}
tell me what {k} is in {F}
tell me what {k} is set to in {F}
report the value of {k} in {F}
[look|go] into {F} and tell me [what {k} is|the value of {k}]
[open|read|check] {F} and [tell me|report] [what {k} is|the value of {k}|{K}]
in {F}, what is [{k}|the value of {k}|{k} set to]?
in {F}, what value does {k} have?
{F}: what is {k}?
{f}: {k}?
{k} in {F}?
value of {k} in {F}?
I need [the value of {k}|{K}] [from|in] {F}
I want to know [what {k} is|the value of {k}] in {F}
how is {k} [set|configured|defined] in {F}?
[according to|looking at|based on] {F}, what is {k}?
what {k} [do we|does this project|do they] use? [See|It is in|Look in|Check] {F}
{F} has a [setting|key|line|value] {k}. What is [it|its value]?
{k} is [defined|set|given] in {F}. What is [it|its value|the value]?
what did they set {k} to in {F}?
[read|fetch|extract] {k} from {F}
[which|what] {k} is [configured|set|given|listed] in {F}?
do you know what {k} is in {F}? [Look it up|Check]
please look up {k} in {F} and answer with the value [only|]
answer with the value only: what is {k} in {F}?
what is {k} in {F}? [Answer with|Reply with|Give me] [just the value|the value only|only the value]
[just|only] the value: {k} in {F}
[without changing anything|don't change anything], tell me {K} in {F}
can you see what {k} is [set to|] in {F}?
what is [currently|now] the value of {k} in {F}?
what's the current [value of {k}|{k}] in {F}?
""")

LOOKUP_NOFILE = Wordings("""
what is {K} [set to|] in this [project|repo|repository]?
what is the value of {k}?
what value does {k} have?
what is {k} set to?
what's {k} [set to|] [here|in this repo|]?
[find|look up] the value of {k}
[find|look up] {k} and tell me its value
[tell|give] me the value of {k}
where is {k} [set|defined], and [to what|what is its value]?
which file [sets|defines] {k} and [to what|what is the value]?
[find out|look up] what {k} is
[somewhere in|in] [this project|the repo|the code] there is {k}. What is its value?
I need to know {K}
which value do we use for {k}?
how is {k} configured [here|in this project|]?
{k}?
""")

FIND = Wordings("""
which file [contains|has|mentions|includes|holds] [the word |the text |]{w}?
which [file|one of the files] [contains|holds|has] the [word|string|text|phrase|term] {w}?
which file [in this repo|in this project|here|in the repository] [contains|mentions|has] {w}?
in which file [is|does] {w} [mentioned|found|appear|occur|show up]?
in which file can I find {w}?
in what file [is|does] the word {w} [appear|occur|found]?
where [is|does] {w} [mentioned|appear|occur|used|show up]?
where in [this repo|this project|the code|the repository] [is|does] {w} [mentioned|appear|occur]?
where can I find [the word |the text |]{w}?
where is the [word|text|string] {w}?
find the file that [contains|mentions|has|holds] [the word |the text |]{w}
find the file [with|containing] [the word |]{w} [and tell me its name|and tell me which it is|and tell me its path|]
find [out |]which file [contains|mentions|has] [the word |]{w}
find {w} [in this project|in the repo|] and tell me [the file|which file it is in|where it is]
find [every|each] file that [contains|mentions] {w}
search for {w} and tell me [which file|where it is|the file]
search the [repo|project|code|files] for {w} [and tell me the file|and report the file name|]
search [all files|the whole project] for the word {w} and [say|tell me] where it is
[grep|look] for {w} and [tell|show] me the file
[look|search] for the [word|string|text] {w} and [name|give me|tell me] the file
tell me [which|what] file [contains|mentions|has] {w}
tell me where {w} [is|occurs|appears]
what file [contains|mentions|has|holds] [the word |]{w}?
what is the [name|path] of the file that [contains|mentions] {w}?
what's the path of the file with [the word |]{w} [in it|]?
[one|some|exactly one] [file|of the files] [contains|mentions] {w}. Which [one|]?
there is a file [that mentions|containing|with] {w}. Which [one|file]?
somewhere [there is|someone wrote] {w}. In which file?
name the file that [contains|mentions|has] {w}
name [all|the] files [that contain|containing|with] {w}
list [all|the] files [that contain|containing|that mention] [the word |]{w}
give me the [path|name] of the file [containing|that contains|with] {w}
I am looking for [the file with|a file that contains|the place with] {w}. Which [file is it|one is it]?
I need to know which file [mentions|contains] {w}
I remember [writing|seeing] {w} [somewhere|in some file]. [Which file|Where] was [it|that]?
locate [the word |the text |the file with |]{w}
locate the file [containing|that has] the [word|string|text] {w}
file [containing|with] {w}?
who mentions {w}? [Give me the file|Which file]
does any file [contain|mention] {w}? Which?
is there a file that [contains|mentions] {w}? [Which one|Name it]
{w} - which file [has it|is it in|contains it]?
which file is {w} in?
which of the files [has|mentions] {w}? [Reply with just the path|Answer with the path only|Just the path, please|]
[reply|answer] with [just|only] the path: which file contains {w}?
""")

APPEND = Wordings("""
[append|add] the line {l} to [the end of |]{F}
[append|add] {l} to the end of {F}
[append|add] {l} as [the last|a new|a new last] line [to|of|in] {F}
append {l} to {F}
add {l} to {F}
[put|include] {l} in {F}, at the end
[add|append|put] a line [saying|that says|reading|with] {l} [to|at the end of] {F}
[add|put|write] {l} at the [end|bottom] of {F}
[add|append] a [new|last|final] line {l} to {F}
at the [end|bottom] of {F}, [add|append|write|put] [the line |]{l}
at the [end|bottom] of {F} add a line: {l}
to {F}, append the line {l}
in {F}, [add|append] [the line |]{l} at the [end|bottom]
{F} [needs|should get|should have] [one more|another|a new|an extra] line at the end: {l}
{F} should end with the line {l}. [Add it|Append it]
the last line of {F} should [be|read] {l}; [append it|add it]
{f}: append {l}
{f}: add the line {l} at the end
extend {F} with the line {l}
extend {F} by one line: {l}
[append|add] this line to {F}: {l}
[append|add] the following line to {F}: {l}
[append|add] the following to the end of {F}: {l}
[add|append] this to the [end|bottom] of {F}: {l}
[append|add] the following line to {F}:\\n{L}
[append|add] this line [to|at the end of] {F}:\\n\\n{L}
[append|add] this line to {F}:\\n```\\n{L}\\n```
[add|append] one line to {F}: {l}
[add|append] one more line to {F}, [namely|it should say|with the text] {l}
add an entry {l} [at the end of|to the bottom of] {F}
add {l} to {F} as the last line
{l} should be [the last line of|appended to|added at the end of] {F}
{l} [is missing from|belongs at the end of] {F}. [Add it|Append it] [at the end|as the last line|]
write {l} as the last line of {F}
[put|stick|tack] {l} [on|at] the end of {F}
[insert|place] {l} after the last line of {F}
[append|add] text {l} to file {f}
with everything else kept, append {l} to {F}
I want {l} [added to the end of|at the end of|as the last line of] {F}
please make {l} the [new |]last line of {F}
open {F} and [append|add] {l} [at the end|to the end|as the last line]
""")
