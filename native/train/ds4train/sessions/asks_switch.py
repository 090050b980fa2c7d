"""Requests to turn something on or off. Slots as in asks_change.py; S and R are the words for the new and the old
state.
"""

from __future__ import annotations

from .grammar import Wordings

_BOTH = """
{T} in {F} should be {S}
{T} in {F} is {R}, [make it|it should be|I want it|turn it|switch it] {S}
[turn|switch] {T} {S} in {F}, it is {R} [now|at the moment|today|currently]
[turn|switch|flip|put] {T} in {F} {S}
[turn|switch|flip] {S} {T} in {F}
in {F}, [turn|switch] {S} {T}
in {F} [turn|switch|flip] {T} to {S}
[turn|switch] {S} {T}, it's {R} in {F}
[turn|switch|flip] {T} {S}. [It's in|See|File:|Look in] {F}
[turn|switch] {S} {T}. [You find it in|It lives in|That's in] {F}
flip {T} in {F}, it is {R} and should be {S}
flip {T} in {F} from {R} to {S}
flip {T} in {F} (it's {R} [now|])
I want {T} {S}. It is {R} in {F}
why is {T} {R} in {F}? [Turn it|Switch it|Make that|I want it] {S}
who switched {T} {R} in {F}? [Turn it|Put it|Switch it] {S} [again|]
{F}: {T} {S}
{F}: {T} {S} please, it's {R}
{F}: [turn|switch] {S} {T}
{T} {S} in {F} [please|pls|thanks|]
somebody [left|turned|switched] {T} {R} in {F}. [It belongs|Switch it|Turn it back] {S}
at the moment {T} is {R} ({F}); [I need it|turn it|we want it] {S}
can you [turn|switch] {S} {T} in {F}?
could you [turn|switch|flip] {T} {S} [for me |]in {F}?
we [need|want] {T} {S} [from now on|for the demo|in production|while testing|again|], [edit|see|it's in] {F}
{P} [wants|needs|asked for] {T} {S}; the file is {F}
{T} is {R} in {F}. That's [wrong|not what we want|a mistake|a leftover from testing]: [it should be|turn it] {S}
[set|put] {T} in {F} to {S} (now {R})
invert {T} in {F}, now it is {R}
toggle {T} in {F}, it's {R} at present
change {T} in {F} to the opposite of what it is. [It is {R} now|Now it's {R}]
{T} has been {R} [for too long|long enough], [turn|switch] it {S} in {F}
with {T} {R} nothing works. {S} please, in {F}
"""
ON = Wordings(
    _BOTH
    + """
enable {T} in {F}
[enable|activate] {T} in {F}, it's {R} [now|]
please [enable|activate|allow] {T} ({F})
{T} is disabled in {F}. [Enable it|Activate it|I need it enabled|Please enable]
{T} [must|should|has to] be [enabled|active|switched on] in {F}
I'd like {T} enabled in {F}
can you enable {T} in {F}?
{F}: enable {T}
[make|set] {T} in {F} active
[re-enable|reactivate] {T} in {F}
we want {T} [activated|enabled|to be on] in {F}
"""
)
OFF = Wordings(
    _BOTH
    + """
disable {T} in {F}
[disable|deactivate] {T} in {F}, it's {R} [now|]
please [disable|deactivate|stop] {T} ({F})
{T} is enabled in {F}. [Disable it|Deactivate it|I need it disabled|Please disable]
{T} [must|should|has to] be [disabled|inactive|switched off] in {F}
I'd like {T} disabled in {F}
can you disable {T} in {F}?
{F}: disable {T}
[get rid of|no more] {T} in {F}, it must be off
we no longer want {T} on in {F}
we [want|need] {T} [deactivated|disabled|to be off] in {F}
"""
)
