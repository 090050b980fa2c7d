"""Requests for another name, in sentences that combine. Slots: K the old name, V the new one, W what it is, F its file."""

from __future__ import annotations

from .grammar import Wordings

# The name with its new name, no place.
DO = Wordings("""
[rename|change|turn] {K} [to|into] {V}
rename {W} {K} to {V}
[call|name] {K} {V} [instead|from now on|please|]
{K} [should|must|has to|needs to] be [called|named] {V}
{W} {K} [should|must|has to|needs to|is to] be [called|named|renamed to] {V}
{W} {K} [becomes|turns into|is now|is from today] {V}
{K} [becomes|->|=>|will be] {V}
I want {W} {K} to be [called|named] {V}
I'd [like|prefer|rather have] {V} as the name of {W} {K}
we [decided|agreed|want] to [call|name] {W} {K} {V}[ instead|]
give {W} {K} [the name|a new name, namely] {V}
{W} {K} [has|got|carries] a [silly|bad|stupid|confusing|wrong|misleading|terrible|boring|too short|too long] name. [Call it|Name it|Rename it to|Make it|It should be called] {V}
{K} is a [silly|bad|strange|confusing|misleading|poor|horrible|cryptic] name[,|.|:] [call it|rename it to|make it|use|I prefer|let's say] {V}
{K} [sounds|looks|reads] [wrong|odd|silly|like something else]. [Call it|Rename it to|Let's name it|Better:] {V}
I [hate|don't like|can't stand|never liked] the name {K}. [Call it|Make it|Rename it to|Use] {V}
I [hate|dislike] that {W} is called {K}; [it should be|call it|make it|rename it to] {V}
the name {K} [is taken|clashes with something else|says nothing|is misspelled|has a typo|no longer fits|is against our style], [make it|use|call it|rename to] {V}
there's a typo in {K}, it [should be|is] {V}
{K} is misspelled; [right is|correct is|it should be|I meant] {V}
I misspelled {K}. [It's|It is|Should have been|Correct would be] {V}
{P} [thinks|says] {K} should be [called|named] {V}. [Rename it|Please do that|Do it]
{P} doesn't understand what {K} means. [Call it|Rename it to] {V}
{K} [used to be|was] a good name, but {V} is better. [Rename it|So rename]
what is [called|named] {K} today should be [called|named] {V}
{V} is a better name for {W} {K}[. Rename it|, so rename it| - change it please|]
{V} instead of {K} please[, that is only a new name|]
{V} should replace {K} as the name of {W}
[use|take|prefer] {V} [instead of|in place of|rather than] {K} as [a|the] name
can {W} {K} be [called|named] {V}?
can you [rename|change] {W} {K} [to|into] {V}?
could we [call|name] {K} {V}?
would you rename {K}? [new name|to be called|I want]: {V}
why is {W} called {K}? [Call it|Make it|I would say|Rename it to] {V}
why do we say {K}? It's {V} [everywhere else|in the docs|in all other projects]. [Rename it|Fix that]
who came up with {K}? Rename it to {V}
let's [rename|call] {W} {K} {V}
[time|let's] to rename {K}: {V} it is
old name {K}, new name {V}
old: {K}\\nnew: {V}
name now: {K}\\nname wanted: {V}
{K} >> {V}
rename {K} {V}
mv {K} {V} (the [identifier|name], not a file)
s/{K}/{V}/
refactoring: {K} to {V}
{W} {K}: [new name|rename to|call it|should be] {V}
[replace|swap] the name {K} [by|with|for] {V}
[replace|change] every {K} [by|with|to|into] {V}
{K} has to go, {V} is the new name
{W} formerly known as {K} [shall be|is now|should be] {V}
please no more {K}; say {V} [instead|]
{W} {K} isn't really a {N}, so [call it|rename it to|name it] {V}
[after|since] the {N} changed, {K} makes no sense. [Use the name|Call it|Rename it to] {V}
to match the [docs|API|spec|database|other module], {K} [must|should] be [called|named|renamed to] {V}
for consistency, [rename|change] {K} to {V}
our [linter|style guide|reviewer] wants {V} [instead of|and not] {K}
""")
# With its file.
DO_IN = Wordings("""
[rename|change the name of] {W} {K} in {F} to {V}
in {F}[,| please] [rename|change] {K} [to|into] {V}
in {F} there is {W} {K}[.|,|;] [call it|rename it to|it should be called|make its name] {V}
{W} {K} in {F} has a [silly|bad|confusing|wrong] name. [Call it|It should be|Rename it to] {V}
{W} {K} in {F} [should|must|needs to] be [called|named] {V}
{F} [has|defines|contains] {W} {K}, [rename that to|call that|which should be called] {V}
{F}: rename {K} to {V}
{F}: {K} -> {V} (rename)
{F}: call {W} {K} {V} [from now on|instead|]
{V} is the new name of {W} {K} from {F}
what {F} calls {K} [should|must] be [called|named] {V}
[open|edit|see] {F} and [rename|give a new name to] {K}: {V}
[could|can] you rename {K} in {F}? [I want|It should be|New name:] {V}
I named {W} in {F} {K}, but {V} [is better|would be right|is what I meant]. [Rename it|Fix it]
file {F}, old name {K}, new name {V}
File: {F}\\nRename: {K}\\nTo: {V}
""")
EVERYWHERE = Wordings("""
[change|update|rename] it everywhere
[everywhere|in all files|throughout|wherever it's used|across the whole project|project-wide]
[update|adapt|fix] [all|the] [callers|uses|places that use it|references|imports] [too|as well|]
[don't|do not] forget [the callers|the imports|the tests|the docs|other files]
[all|every] [use|mention|occurrence] of it[, please|]
[make sure|check that] no [use of the old name|old name|leftover] remains
the old name [must not|should not] appear anywhere [any more|afterwards]
it is used in [several|some other|more] files
including [docs|comments|tests] and so on
""")
KEEP = Wordings("""
[only|just] the name changes
[the|its] [behaviour|value|behavior|content] stays [the same|as it is]
[leave|keep] [everything else|similar names|longer names] [alone|as they are|untouched|]
names that only [begin|start] [the same|like that] [stay|are something else]
[don't|do not] touch [other names|similar names|the values]
no other [changes|renames|edits]
I'll run the tests [myself|later]
""")
