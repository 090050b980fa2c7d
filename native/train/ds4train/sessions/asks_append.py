"""Requests for one more line at the end of a file. Slots: L the line, F the file; in BELOW the line follows."""

from __future__ import annotations

from .grammar import Wordings

DO = Wordings("""
[add|append|put|write|stick|tack] {L} [to|onto|at the end of|to the end of] {F}
[add|append] {L} [to|at] the [bottom|end|very end|tail] of {F}
[add|append] the line {L} to {F}
[add|append|write] [one more|another|a new|an extra|a last|a final] line [to|in|at the end of] {F}: {L}
{F} [needs|gets|wants|is missing|lacks|could use] [one more|a|another|a last|a new] line: {L}
{F} [should|must|has to] end with {L}
{F} [should|must] have {L} [as its last line|at the end|at the bottom]
{F}: [add|append|+|and at the end] {L}
{F} += {L}
{F} <- {L}
>> {F}: {L}
+ {L} [in|to] {F}
at the [end|bottom|very end] of {F} [add|write|put|I need|there should be|I want] {L}
after everything [that is|else] in {F}[ comes| add| put|,] {L}
below the last line of {F} [goes|comes|put|write] {L}
as [a last|a final|a new last|the last] line {F} [gets|should have|needs] {L}
the last line of {F} [should be|must be|is to be|shall read] {L}
[extend|complete|continue|finish|close] {F} [with|by adding|by the line] {L}
[enter|note|record|log|jot down|register|file] {L} [in|at the end of] {F}
[note|write] down {L} in {F}[, at the end|, last line|, below the rest]
[include|list] {L} [in|at the end of|as last entry of] {F}
could you [add|append|put] {L} [to|at the end of|at the bottom of] {F}?
can {F} [get|have] {L} as [its last|a new last] line?
can we have {L} at the [end|bottom] of {F}?
would you [write|put|append] {L} [below the rest of|at the end of] {F}?
I [forgot|left out|missed] {L} in {F}. [Add it at the end|Append it|It goes to the bottom|Put it last]
I [need|want|would like|'d like to have] {L} [appended to|added to|at the end of|as the last line of] {F}
we [also need|forgot|still need] {L} in {F}[, at the end| - append it|, last line please|]
{L} is [still missing|not there yet|missing] in {F}. [Append it|Add it to the end|Put it at the end|Last line please]
{L} [belongs|goes|should go|has to go|must go] [at the end of|to the bottom of|into the last line of|below everything in] {F}
{L} should be [added to|appended to|the last line of|written at the end of] {F}
{L} -> {F}[ (append)| (last line)| at the end|, append]
{L} [please|] at the end of {F}[, thanks|]
why is {L} not in {F}? [Append it|Add it at the end|Put it last]
{P} [wants|needs|asked for] {L} in {F}; [append it|add it at the end|put it at the bottom]
{P} asked me to add {L} to {F}[. Do it please|, can you do it?|]
[leave|keep] {F} as it is, [only|just] [add|append] {L} [at the end|]
without [touching|changing] the rest, [add|append] {L} to {F}
[open|take|edit|go to] {F} and [add|append|write|put] {L} [at the end|below the rest|as the last line|at the bottom]
[one|a] [new|more|last|final] [entry|item|row|line|record] for {F}: {L}
[new|next|another] [entry|item|line] in {F}: {L}
let {F} end with {L}
make {L} the [last|final] line of {F}
[it's|it is] time to add {L} to {F}
do not overwrite {F}, just append {L}
File: {F}\\nAppend: {L}
append\\nfile {F}\\nline {L}
[remember|keep] {L} for me, in {F}, at the end
""")
BELOW = Wordings("""
[add|append|put|write] [this|the following] [line|text|entry|] [to|at the end of|at the bottom of] {F}
{F} [needs|gets|should get] [this|the following] as [its|the] [last|new last] line
[please append|append] to {F}
at the end of {F} [add|write|put] [this|the following line]
[here is|this is] [another|one more|a new] line for [the end of|the bottom of|] {F}
the last line of {F} [should be|must be|should read]
can you [add|append] this to {F}
could you put this [line|] at the [end|bottom] of {F}
I want {F} to end with [this|the following line]
I forgot one line in {F}, it goes [last|to the end|to the bottom]
[new last line|append|one more line] for {F}
{F}, at the end
{F} [still lacks|is missing] [this line|the line] at the end
[below|after] the rest of {F} [write|put|I need]
[without changing anything else|leaving the rest alone], append to {F}
""")
KEEP = Wordings("""
[leave|keep] the rest [alone|as it is|]
[don't|do not] [touch|change|sort|reformat] [anything else|the other lines|what is there]
just that [one|] line
[exactly|precisely] like that
nothing else
it goes last
the other lines stay
one line, no more
no blank line before it
""")
