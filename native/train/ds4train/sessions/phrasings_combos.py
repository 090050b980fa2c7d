"""Wordings of requests with several parts in one sentence, and of commands without quotes (notation: grammar.py).

Slots: k, K first name; v its new value; f, F its file; j, J second name; w its value; g, G its file; l a line; c a
command as it stands.
"""

from __future__ import annotations

from .grammar import Wordings

TWO_FILES = Wordings("""
[set|change] {k} to {v} in {F} and {j} to {w} in {G}
set {k} to {v} in {F} and {j} in {G} to {w}
in {F} set {k} to {v}, and in {G} [set |]{j} to {w}
in {F}, {k} should be {v}; in {G}, {j} should be {w}
{k} in {F} should be {v} and {j} in {G} should be {w}
[change|update] {F} and {G}: {k} is {v}, {j} is {w}
[update|change] {k} ({F}) to {v} and {j} ({G}) to {w}
{f}: {k} = {v}; {g}: {j} = {w}
two changes: {k} to {v} in {F}, {j} to {w} in {G}
two edits please: {F} gets {k} {v}, {G} gets {j} {w}
make {k} {v} in {F} and make {j} {w} in {G}
I want {k} to be {v} in {F} and {j} to be {w} in {G}
[bump|move] {k} in {F} to {v} and {j} in {G} to {w}
use {v} for {k} in {F} and {w} for {j} in {G}
both files need a change: {F} ({k} to {v}) and {G} ({j} to {w})
set {k} in {F} to {v}. Also set {j} in {G} to {w}
- {F}: {k} to {v}\\n- {G}: {j} to {w}
could you set {k} to {v} in {F} as well as {j} to {w} in {G}?
first {F}: {k} becomes {v}. Then {G}: {j} becomes {w}
after your change {k} in {F} is {v} and {j} in {G} is {w}
{v} is the new {k} in {F}, {w} the new {j} in {G}
""")

TWO_SAME = Wordings("""
in {F}, set {k} to {v} and {j} to {w}
[set|change] {k} to {v} and {j} to {w} in {F}
in {F} [set|change] {k} to {v}, {j} to {w}
{F}: {k} to {v}, {j} to {w}
{F} needs {k} = {v} and {j} = {w}
{k} should be {v} and {j} should be {w} in {F}
[update|edit] {F}: {k} is {v}, {j} is {w}
make {k} {v} and {j} {w} in {F}
change both {k} and {j} in {F}: to {v} and {w}
in {F} both {k} and {j} are wrong: {v} and {w} are right, in this order
set {k} and {j} in {F} to {v} and {w}
{F}: {k} and {j} should be {v} and {w}
I need {k} at {v} and {j} at {w} in {F}
use {v} for {k} and {w} for {j}, both are in {F}
""")

EDIT_APPEND = Wordings("""
set {k} to {v} in {F} and [add|append] the line {l} to {G}
in {F} set {k} to {v}, then [add|append] {l} to {G}
change {k} in {F} to {v} and [note|write] {l} at the end of {G}
[change|set] {k} to {v} in {F}. Then append the line {l} to {G}
update {F} ({k}: {v}) and [log|record] it in {G} with the line {l}
{k} in {F} should become {v}; add the line {l} at the end of {G}
after setting {k} to {v} in {F}, append {l} to {G}
make {k} {v} in {F}, and let {G} end with the line {l}
first set {k} in {F} to {v}, then put the line {l} at the end of {G}
set {k} in {F} to {v} and mention it in {G}: add the line {l}
bump {k} in {F} to {v} and add {l} to {G}
""")

CREATE_RUN = Wordings("""
create {F} that prints {l}, then run it with {t}
create {F} that prints {l} and run it
create {F} which prints {l}, run it with {t} and tell me [the output|what it prints]
create a {noun} {F} that prints {l}, then run it with {t}
write {F} so that it prints {l}, and run it with {t}
write a {noun} {F} that prints {l} and run it
make a {noun} {F} printing {l}, then execute it
make {F} print {l}; run it afterwards with {t}
add a {noun} {F} that outputs {l} and [run|execute] it to [check|show me]
I want a {noun} {F} that prints {l}. Run it [when it is there|afterwards|too]
please write {F}, it should print {l}, then run {t} on it
put a {noun} that prints {l} in {F} and show me that it works
new {noun} {F}: prints {l}. Create and run it
""")

EDIT_RUN = Wordings("""
set {k} to {v} in {F} and run it
set {k} to {v} in {F}, then run it with {t}
change {k} in {F} to {v} and run it with {t}
change {k} in {F} to {v}, run {c} and tell me what it prints
set {k} in {F} to {v} and run {c}
set {k} in {F} to {v}. Then run {c}. What does it print?
in {F} make {k} {v}, then run {c} and report the output
what does {c} print when {k} is {v}? [Change it|Set it] and run it
edit {F}: {k} = {v}. Run it afterwards with {t}
with {k} set to {v} in {F}, what does {c} print?
update {k} to {v} in {F} and show me the output of {c}
""")

# The command stands in the sentence as it is; the mark that ends the sentence is not a part of it.
INLINE = Wordings("""
run {c}
run {c}.
run {c} please
please run {c}.
run {c}. [Tell me|Report|Show me] [the output|what it prints|what happens|the result].
run {c}. What does it [print|say]?
run {c}. Does it work?
run {c}, and tell me what it prints
run {c} and report
run {c} and [report|tell me|say|show me] [what it prints|the output|the result|what comes out|what happens].
execute {c} and [report|tell me] [the output|what it prints].
execute {c}.
execute {c}, then tell me the output
can you run {c}? [I want to see the output.|Tell me what it prints.|]
could you run {c} and show me the output?
what does {c} print?
what happens on {c}?
what do we get from {c}?
I ran {c}. What did it print? [Run it too.|Try it.]
try {c}.
try {c} and tell me what you [see|get].
check {c}, [what is the output?|what does it print?]
see what {c} [says|prints|does].
I'd like to see {c}. Run it.
output of {c}, please
do {c} and report back.
start {c}; what comes out?
just run {c}
go ahead and run {c}. Then tell me the result.
use {c}. What is the result?
the command is {c}. Run it.
there is a command, {c}. Run it and tell me what it prints.
first thing today: run {c}, tell me the output.
after you run {c}, tell me the exit code and output.
give me the output of {c}.
""")

SAYS = Wordings("""
create a {p} file that just says {L}
create a {p} file that says {L}
create a {p} file saying {L}
make a {p} file that just says {L}
make me a {p} file that [only |just |]says {L}
make me a file {p} saying {L}
add a {p} file that [just|only|simply] says {L}
add a {p} file with {L} in it
add a {p} file containing {L}
add {p} with {L} in it
I need a {p} file that just says {L}
I need a {p} [file |]saying {L}
we need a {p} file [that says|with] {L}
put {L} in {p}
put {L} into a {p} file
put the words {L} [in|into] {p}
write {L} into {p}
write {L} in a new file called {p}
write a {p} file, it should just say {L}
write a file called {p} that says {L}
a {p} file is missing, it should just say {L}
there should be a {p} file saying {L}
the project [lacks|needs] a {p} file. It should [just |]say {L}
give the project a {p} file that says {L}
new file {p}, just {L}
{p} should simply say {L}
save {L} as {p}
create {p} with just {L}
create {p}, content: {L}
create a file named {p} whose only line is {L}
""")
