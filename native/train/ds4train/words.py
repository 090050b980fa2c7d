"""Words that an agent session is made of: each must be one token, however rare it is in public code."""

from __future__ import annotations

FORCED_WORDS = tuple(
    """
parts tool calls invoke name parameter string true false command path str replace editor view create insert
file text old new line range bash environment cwd date git main clean changed files result unknown invalid
arguments missing function name description type object array integer enum required properties error Error
exit code output still running ran shell ended restarted created edited overwritten File found occurs times
lines add context unique outside folder exist README readme config settings options test tests assert
AssertionError assertEqual Traceback recent call last most def return import from class self print None True
False raise except finally with while yield lambda async await global pass break continue elif else
python pip pytest grep cat echo sed head tail find wc ls cd mkdir touch rm mv cp chmod sort uniq diff
status commit branch checkout log add push pull make build run install setup server client port host user
users name names value values key keys item items list dict set tuple int str float bool bytes len range
open read write append remove rename change update delete get load save parse format join split strip
json yaml toml ini md txt py js ts html css csv cfg env lock sh src lib docs app api utils util helpers
models views core common data home work projects repo project version package module script default debug
level timeout retries limit max min count total size width height index offset length mode color theme
database password token secret email url http https localhost com org net www enabled disabled
January February March April May June July August September October November December
Monday Tuesday Wednesday Thursday Friday Saturday Sunday
The It In To This That I You We They He She If Is Are Do Does Done Now First Then Next Let Look Here There
What Which Where When Who Why How Please Can Could Would Should Change Rename Replace Create Make Write Add
Append Put Set Update Fix Run Execute Show Tell Print Find Search Look Check Read Open List Count Use
the and for that this with not but are was has have will would should could must need needs want wants
what which where when who why how please can change check look see tell show fix failing passes fails failed
expected actual instead now then next first second third done same exact exactly content contents holds
contains called named inside under word words number value answer says said asked user task request
says printed prints fixed updated replaced renamed appended edit edits verify again correct wrong
ds agent tiny model bundled assistant helpful coding sorry thanks hello Hello Hi hi yes no ok
ValueError TypeError KeyError IndexError NameError ImportError RuntimeError OSError FileNotFoundError
ModuleNotFoundError SyntaxError AttributeError ZeroDivisionError Exception
src init main args kwargs cls param params attr obj func async node parent child children root base
__init__ __main__ __name__
""".replace("__", " ").split()
)
