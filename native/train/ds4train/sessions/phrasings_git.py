"""Wordings of questions about the repository's history and state (notation: grammar.py)."""

from __future__ import annotations

from .grammar import Wordings

SUBJECT = Wordings("""
what [is|was] the [last|latest|most recent|newest] commit [message|subject]?
what does the [last|latest] commit [say|do]?
what is the [message|subject|title|summary] of the [last|latest|newest|most recent] commit?
[tell me|report|show me|give me] the [message|subject] of the [last|latest] commit
[look at|check] the git [log|history] and tell me the [last|latest] commit message
what was the last thing [that was |]committed?
what did we commit last?
[use|check] git log: what is the [last|latest] commit?
last commit message?
subject of the last commit?
which commit is at the top of the [git |]log?
[read|see] git log and [report|tell me] the [subject|message] of the last commit
what is HEAD's commit message?
what is the commit message of HEAD?
how is the last commit [called|described]?
git log: what is the latest subject?
""")

AUTHOR = Wordings("""
who [made|wrote|did|is the author of|authored] the [last|latest|most recent] commit?
who committed last?
who was the last [person |one |]to commit?
what is the name of the last commit's author?
[tell me|report] [who made the last commit|the author of the last commit]
author of the [last|latest] commit?
according to git, who made the latest commit?
[check|look at] git log: who [made|wrote] the last commit?
whose commit is HEAD?
""")

DATE = Wordings("""
when was the [last|latest] commit made?
what is the date of the [last|latest|most recent] commit?
[tell me|report] the date of the last commit
on which day was the last commit[ made|]?
date of the last commit?
when did somebody commit last?
how old is the last commit? Tell me its date
[check|ask] git: when was the latest commit?
""")

COUNT = Wordings("""
how many commits [are there|does this repo have|does the repository have|are in this repository|has this branch]?
count the commits
count the commits [in|of] this [repo|repository|branch]
what is the number of commits [here|in this repo]?
[tell me|report] how many commits there are
number of commits?
how long is the git history, in commits?
how often did we commit [here|so far]?
""")

BRANCH = Wordings("""
which branch [am I on|are we on|is this|is checked out|is current]?
what branch [am I on|are we on|is this|is checked out]?
what is the [current|checked out] [git |]branch?
[tell me|report|show me] the [current|] [git |]branch
name of the current branch?
on which branch [am I|are we|do I work]?
what is the branch called?
[ask|check] git [which|what] branch this is
git branch?
""")

STATUS = Wordings("""
is the [working tree|working copy|repo|repository] clean?
are there [any |]uncommitted changes?
[which|what] files [have changed|are changed|are modified][ since the last commit|]?
what is the git status?
git status?
[show|give] me the git status
[tell me|report] what git status says
what has changed since the last commit?
is there anything to commit?
which changes are not committed[ yet|]?
what did I change[ so far|]?
does git see any changes?
[run|use] git status and tell me what [changed|it shows]
is everything committed?
do we have [untracked|new|modified] files?
""")

LAST = Wordings("""
what [are|were] the last {n} commits?
[list|show|show me|tell me] the [last|latest] {n} commits
[list|show me|tell me] the [messages|subjects] of the last {n} commits
what did the last {n} commits do?
the last {n} commit messages, please
[read|check] git log and [list|report] the last {n} commits
last {n} commits?
what happened in the last {n} commits?
""")

BY = Wordings("""
which commits [are|were made] by {p}?
what did {p} commit?
[list|show me] the commits [of|by] {p}
what has {p} [done|committed] in this repo?
[find|search] the commits [of|by] {p} in the git log
commits by {p}?
what are the commit messages of {p}?
""")

FIRST = Wordings("""
what [is|was] the first commit[ message|]?
what is the subject of the [first|oldest] commit?
how did the history [begin|start]? Tell me the first commit
[tell me|report] the message of the first commit
what is the oldest commit in [the log|this repo|the history]?
first commit message?
which commit came first?
what was committed first?
""")

COMMIT = Wordings("""
commit [everything|all changes|the changes|this|it] with the message {m}
commit {m}
[make|create] a commit [with the message|called] {m}
[git |]commit all [changes|files|], message: {m}
please commit [this|that|what we have] as {m}
add [everything|all files] and commit [it |]with {m}
commit the current state, message {m}
save the [changes|work] in git with the message {m}
""")
