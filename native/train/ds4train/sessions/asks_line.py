"""Requests that give the old text and the new one, and nothing else. Slots: O old, V new, F the file."""

from __future__ import annotations

from .grammar import Wordings

# A whole line.
LINE = Wordings("""
in {F} the line {O} [should be|must be|has to become|is wrong, it should read|needs to be] {V}
[replace|swap|exchange] the line {O} in {F} [with|for|by] {V}
in {F}, [replace|change|turn] {O} [into|to|by] {V}
[change|turn|rewrite] the line {O} of {F} [to|into|as] {V}
{F} has a line {O}[.|;|,] [make it|it should be|change it to|I want] {V}
{F}: {O} -> {V}
{F}: instead of {O} [write|put|I want|use] {V}
where {F} has {O} [put|write|it should have|I want] {V}
[there is|you will find|look for] {O} in {F}[. Make it|. Change it to|; it must be|, replace it by] {V}
the line {O} ({F}) is [wrong|broken|outdated|a bug]: [should be|correct is|write|use] {V}
{O} in {F} [is a bug|can't be right|makes no sense|is nonsense]. [It should be|I meant|Make it] {V}
one line of {F} is wrong: {O}. [Right is|It should be|Correct:] {V}
I wrote {O} in {F}, [but meant|it should have been|make that] {V}
[could|can] you [replace|change] {O} in {F} [with|to] {V}?
why does {F} say {O}? [It should say|Make it|I want] {V}
{V} instead of {O} in {F}
{P} wants {V} [where|in place of what] {F} now has {O}[, change it|]
[rewrite|fix|correct] one line in {F}: {O} [becomes|to|should be] {V}
File: {F}\\nFind: {O}\\nReplace: {V}
{F}\\n- {O}\\n+ {V}
file {F}\\nold line: {O}\\nnew line: {V}
[just|only] one line in {F} changes: {O} [becomes|turns into|->] {V}
{F}, the line {O}: [make it|change to|I want] {V}
the reviewer says {O} in {F} should be {V}
please [make|turn] {O} in {F} [into|to] {V}
""")
# A value whose name is not said.
BARE = Wordings("""
{O} in {F} [should be|must be|has to be|needs to become|is now] {V}
{O} is [wrong|old|outdated|no longer right|a mistake]; [it's|it is|use|take] {V} now. [The file is|See|Edit|It is in] {F}
[replace|swap|exchange] {O} [with|for|by] {V} in {F}
{F} [says|has|contains|mentions|uses] {O}, [it should be|make it|but it is|change it to] {V}
{F}: {O} -> {V}
{F}: {V} instead of {O}
{F}: not {O} but {V}
not {O} but {V}, in {F}
[take|use|write|put] {V} [instead of|in place of|rather than] {O} in {F}
in {F} [use|write|put|I want] {V} where it says {O}
in {F} there's {O}. [That should be|Make it|Change it to|I want] {V}
[change|turn|update|correct] {O} [to|into] {V}, [it's in|file|see] {F}
[change|turn|update|correct] {O} in {F} [to|into] {V}
we [no longer use|moved away from|are done with] {O}, [it's|it is] {V} now, so [update|edit|fix] {F}
we switched from {O} to {V}, [update|edit|fix|please adapt] {F}
{O} [became|was replaced by|is called|moved to] {V}, [please update|reflect that in|fix] {F}
{O} out, {V} in: {F}
I [see|found] {O} in {F}, [but|and] it [should be|must be] {V}
why is there {O} in {F}? [It should be|I want|Make it] {V}
who wrote {O} into {F}? [Right is|It should be|Make that] {V}
[could|can] you [change|turn] {O} in {F} [to|into] {V}?
[could|can] {F} say {V} instead of {O}?
{P} says it's {V}, not {O}. [Fix|Correct|Change] {F}
old {O} new {V} file {F}
the {O} in {F} [is outdated|should be|must become|has to be]: {V}
""")
