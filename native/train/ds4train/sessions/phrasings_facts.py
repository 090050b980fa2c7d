"""Wordings about files that people speak of in plain words (notation: grammar.py).

Slots: s what is asked for (without "the"), f and F the path, v the new and o the old value, q a whole question.
"""

from __future__ import annotations

from .grammar import Wordings

ASK = Wordings("""
what is the {s} in {F}?
what's the {s} in {F}?
what is the {s}? [See|It's in|It is in|Look in|Check] {F}
what is the {s}? It's [written|noted|mentioned|documented|somewhere] in {F}
what's the {s} [according to|in] {F}?
which {s} does {F} [have|give|name|mention|use|define]?
tell me the {s} from {F}
tell me the {s} [in|from|given in|mentioned in] {F}
tell me the {s}. It's in {F}
I need the {s} from {F}
I need to know the {s}; {F} has it
I [forgot|don't remember|lost] the {s}. [It should be in|It is in|Look it up in|Could you check] {F}
[look up|find|read|get|fetch] the {s} in {F}
look in {F} and tell me the {s}
[open|read|check] {F} and tell me [what the {s} is|the {s}]
[according to|in] {F}, what is the {s}?
{F}: what is the {s}?
{f} - {s}?
{s} in {F}?
[could|can] you [tell me|find] the {s}? It is in {F}
do you [know|see] the {s}? [I think it is in|It must be in|It's in] {F}
someone asked me for the {s}. [It is in|The file is|See] {F}
the {s} is in {F}. What is it?
{F} [has|says|contains|mentions] the {s}. What is it?
please give me the {s}, it is [written|stored|set] in {F}
[what did we|what do we] [put|have] as the {s} in {F}?
what is the current {s} in {F}?
how is the {s} set in {F}?
what does {F} say about the {s}?
we need the {s} for a [form|call|mail|report]. [See|Check] {F}
just the {s} from {F}, please
[report|show|give me|name] the {s} in {F}
[what|which] is the {s} of the project in {F}?
the {s}, what was it again? {F} [has it|should say]
""")

ASK_QUESTION = Wordings("""
{q}? It's [written|noted|documented|explained|mentioned] in {F}
{q}? It is in {F}
{q}? [See|Check|Look in|Read|Look at] {F}
{q}? [The answer is|You find it|It should be|I think it's|It stands] in {F}
{q} according to {F}?
[according to|in] {F}: {q}?
{F} [says|tells|mentions] it: {q}?
look in {F}: {q}?
read {F} and [answer|tell me]: {q}?
question about {F}: {q}?
I can't remember it: {q}? [It's|It is] in {F}
{q}? [Have a look at|Consult|Open] {F}
{q}? ({f})
{f}: {q}?
[somebody|a customer|a colleague] asks: {q}? {F} should [know|tell]
check {F} please. {q}?
can you check {F}? {q}?
""")

ASK_NOWHERE = Wordings("""
what is the {s}?
what's the {s}?
what is the {s} [in|of] this project?
tell me the {s}
which {s} do we use?
[find|look up] the {s}
I need the {s}
do you know the {s}? [It must be somewhere here|It is in one of the files|Look in the files]
what is the {s}? [Some file has it|It's in the repo somewhere|I forgot which file has it]
""")

CHANGE_FACT = Wordings("""
[change|set|update|switch] the {s} in {F} to {v}
[change|set|update] the {s} to {v} in {F}
in {F}, [change|set|update|make] the {s} [to |]{v}
in {F} the {s} [should|must|has to|needs to] be {v}
the {s} in {F} [should|must|has to|needs to] be {v}
the {s} in {F} is now {v}. [Update it|Please change it|Edit the file]
the {s} [changed|has changed] to {v}. [Update|Fix|Adjust|Correct] {F}
the {s} is {v} now, [update|fix|please correct] {F}
{F}: the {s} is {v} [now|from now on]
{f}: {s} {v}
{F} [has|says|shows|contains] the wrong {s}. [It should be|It is|Make it|Correct is] {v}
the {s} in {F} is wrong, [it should be|it must be|use|make it] {v}
the {s} in {F} is [outdated|old|no longer right]: it is {v}
make {v} the {s} in {F}
make the {s} {v} in {F}
use {v} as the {s} in {F}
I want {v} as the {s} [in|of] {F}
I want the {s} in {F} to be {v}
we have a new {s}: {v}. [Put it in|Change|Edit|Update] {F}
please correct the {s} in {F}, it is {v}
[edit|open] {F} and [change|set] the {s} to {v}
could the {s} in {F} be {v}?
[there is|we have] a new {s}, {v}. [Can you change|Please update|Change it in] {F}[?|]
give {F} a new {s}: {v}
[replace|change] the {s} in {F} [with|to] {v}
new {s} for {F}: {v}
let the {s} in {F} be {v}
""")

CHANGE_FACT_OLD = Wordings("""
[change|update|switch|move] the {s} in {F} from {o} to {v}
[change|update] the {s} from {o} to {v} in {F}
the {s} in {F} is {o}[,| but] [it should be|make it|change it to|should be|it must be] {v}
the {s} in {F} should be {v} instead of {o}
the {s} in {F} should be {v}, not {o}
instead of {o}, the {s} in {F} should be {v}
instead of {o} [use|write|put] {v} as the {s} in {F}
not {o} but {v} is the {s}. [Fix|Correct|Update] {F}
use {v} instead of {o} [as|for] the {s} in {F}
use {v} rather than {o} for the {s} in {F}
put {v} in place of {o} as the {s} in {F}
{v} should replace {o} as the {s} in {F}
{v}, not {o}, is the right {s}. [Fix|Correct|Edit] {F}
{F} says the {s} is {o}. [It is|Make that|It should say] {v}
the {s} was {o} and is now {v}. Update {F}
{f}: {s} {o} -> {v}
{f}, {s}: {o} => {v}
we go from {o} to {v} for the {s}; [update|edit] {F}
to {v} from {o}: that is the change to the {s} in {F}
[set|put] the {s} to {v} (was {o}) in {F}
[raise|lower|move|bring] the {s} in {F} from {o} to {v}
in {F} the {s} must go from {o} to {v}
in {F} replace the {s} {o} with {v}
replace {o} with {v} as the {s} in {F}
""")

NOTE = Wordings("""
look up {s} in {F} and write it [into|to] a new file {p}
look up {s} in {F} and [save|store|put] it in {p}
[find|read|get] {s} [in|from] {F} and write it to {p}
[find|read|get] {s} in {F}, then create {p} with [that value|it|just that value]
create {p} [with|containing] {s} from {F}
create a file {p} that contains {s} from {F}
write {s} [from|of|in] {F} [to|into] {p}
{p} should [contain|hold] {s} from {F}
take {s} from {F} and put it into [a new file |]{p}
copy {s} from {F} [to|into] {p}
save {s} from {F} as {p}
what is {s} in {F}? Write it [to|into] {p}
what is {s} in {F}? [Save|Store] the answer in {p}
put {s} of {F} into a new file [called|named] {p}
read {F} and write {s} to {p}
I want {s} from {F} in a file of its own, {p}
extract {s} from {F} into {p}
""")

GREP_NOTE = Wordings("""
copy [the|all] lines [with|containing] {w} from {F} to {p}
write [the|all] lines of {F} that contain {w} [to|into] {p}
[find|collect] the lines with {w} in {F} and [save|put] them in {p}
save every line of {F} with {w} [in|to] {p}
create {p} with the lines of {F} that [contain|mention] {w}
filter {F} for {w} and write the result to {p}
all lines with {w} in {F} should go to a new file {p}
put the {w} lines of {F} into {p}
""")
