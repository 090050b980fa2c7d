"""Requests for another value, in sentences that combine: the ask, where it is, what it is now, why, what to leave.

Slots: T the thing, F its file, V the new value, O the old one, D something else in the file, P a person, N a noun.
"""

from __future__ import annotations

from .grammar import Wordings

# Complete: what, where, new value.
DO = Wordings("""
[change|set|update|switch|put|bring|move|adjust|turn] {T} in {F} to {V}
in {F}, [change|set|update|switch|correct|put] {T} to {V}
in {F} please [change|set|update|correct] {T} so it [says|reads|is|becomes] {V}
[edit|open|go into|jump into|take] {F} and [make|turn] {T} [into |]{V}
make {T} {V}, [it's in|you find it in|see|file:|that's in] {F}
{T} in {F} [should be|must be|has to be|needs to be|ought to be|is supposed to be|shall be|wants to be] {V}
{T} in {F} [should|must|has to|needs to] [read|say|become|equal|be set to] {V}
{F} should [have|use|list|give|show|state|carry] {V} [as|for] {T}
{F} [has|gives|shows|holds|contains] the wrong [value|thing|text] for {T}; [right is|correct would be|it is really|I want] {V}
can {T} in {F} be {V}?
could {T} be {V} [please |]in {F}?
could you [make sure|see to it] that {T} in {F} is {V}?
why isn't {T} in {F} {V}? [make it so|please fix|it should be]
would you mind [changing|setting|updating] {T} in {F} to {V}?
is it possible to have {V} for {T} in {F}? [then do it|please do|if so change it]
mind updating {F}? {T} is {V} now
I [need|want|would like|'d prefer|'d love] {T} in {F} to be {V}
I [need|want] {V} [for|as] {T} in {F}
we [need|want|agreed on|settled on|decided on] {V} for {T} in {F}
we're going with {V} for {T}, [update|adapt|edit|change] {F}
we have [a new value|news] for {T}: {V}. [File is|It lives in|You find it in|Goes into] {F}
from now on {T} is {V}, so [update|edit|adapt|correct] {F} [accordingly|please|]
{T} [becomes|turns into|moves to|goes to] {V} in {F}
{T} moved to {V}, {F} [still has to follow|needs the new value|does not know yet]
{T} got changed to {V} [by the client|last week|upstream|in the meeting], [reflect that in|bring it into|put that into] {F}
in {F} [the right value for {T} is|use for {T} the value|I'd like to see for {T}] {V}
use {V} [for|as] {T} in {F} [from now on|from today|instead|please|]
let {T} in {F} [be|say|read] {V}
let's [have|use|try|go for] {V} [as|for] {T} in {F}
[try|test|use] {V} for {T} ({F})
{F}: {T} {V}
{F}: {T} -> {V}
{F} / {T} / {V}
{F}, {T}: {V} [please|pls|]
{T} = {V} in {F}
{T} => {V} ({F})
{F}: [new value for {T} is|{T} should be|want {T} at|need {T} to be|put {T} at] {V}
File: {F}\\nWhat: {T}\\nNew: {V}
- file {F}\\n- change {T}\\n- to {V}
In: {F}\\nChange: {T}\\nTo: {V}
Subject: {T}\\n\\nPlease set it to {V}. The file is {F}.
[ticket|todo|task|job|bug]: {T} in {F} [to|must be|should be] {V}
[one edit|single change|tiny change|small fix|one-liner] in {F}: {T} [to|becomes|should be] {V}
[do me a favor|be so kind|be a dear], [set|change] {T} in {F} to {V}
hey, [set|change|make that] {T} in {F} to {V} [when you get a chance|real quick|thx|]
[could use|need] a hand: {T} in {F} should be {V}
replace [whatever is there|whatever {F} has|the present value] for {T} in {F} with {V}
whatever {T} in {F} is [now|today|at present], [it should be|make it] {V}
I don't care what {T} in {F} is today, it must be {V}
no matter what {F} says now, {T} [is|should be] {V}
[once you are done|when you're finished|after your edit] {T} in {F} [should|must] be {V}
the only thing [I need|to do|missing|left] is {T} in {F}: [make it|it must be|set it to] {V}
have a look at {F}, {T} [must|should] be {V} [there|]
{P} [says|wants|told me|insists that|asked that|reports that] {T} in {F} [should be|must be|is] {V}
according to {P}, {T} in {F} should be {V}
per {P}: {T} in {F} [is|becomes] {V}
the [spec|docs|contract|customer|manual|wiki|plan] says {V} for {T}, [please bring {F} in line|so fix {F}|make {F} agree]
the [spec|contract|customer|manual] asks for {V} as {T}. [Adapt|Fix|Edit] {F}
{V} is [the correct value for|what we want for|the new value of] {T} in {F}
{V}, that is what {T} in {F} [should be|must say]
{V} please, for {T} in {F}
{V} instead of the current value for {T} in {F}
put {V} [where {F} has|as|in for|in as] {T}[ in {F}|]
write {V} [as|for] {T} [in|into] {F}
enter {V} for {T} in {F}
{F} needs a [new|different|better|fresh] value for {T}: {V}
[correct|fix|repair|amend] {T} in {F}, it is {V}
[correct|fix|amend] {F}: {T} is not right, {V} [is|would be]
there's [an error|a mistake|a slip|a wrong value] in {F}: {T} [should be|must read|is really] {V}
I made a mistake in {F}, {T} should have been {V}
I [typed|entered|put] the wrong thing for {T} in {F}. [Should be|It was meant to be|Make it] {V}
someone [messed up|broke|mangled] {T} in {F}, put {V} [there|back|in]
[go to|find|look up|locate] {T} in {F} and [make it|put|write|change it to|set it to] {V}
look for {T} in {F}; [I want it to be|it should now say|the new value is] {V}
in the file {F} you will [see|find|notice] {T}, [that has to be|change it to|please make that] {V}
you know {T} in {F}? [It should be|Make it|Set it to|Change it to] {V}
remember {T} in {F}? [It's|Now it is|Make it] {V} now
about {T} in {F}: [make it|please use|it should be|let's have] {V}
concerning {F}: {T} [should be|to be changed to|is now] {V}
as for {T}, [I'd say|let's use|take] {V}; [edit|it's in] {F}
[could|can] we [have|get|go with] {V} as {T}? It's in {F}
what about {V} for {T} in {F}? [Please change it|Do it|I like that, so set it]
[bump|push|get] {T} in {F} to {V}
[let me have|give me] {V} for {T} in {F}
[give|assign] {T} in {F} the value {V}
[tweak|modify|alter] {F} so that {T} [is|reads|becomes|equals] {V}
[modify|alter|amend] {T} in {F} to [read|be|say] {V}
{T}, {F}, {V}. [You know what to do|Please change|Do it]
I'd change {T} in {F} to {V}. [Can you do that|Go ahead|Please do it]
it would be [great|nice|good] if {T} in {F} [was|were|could be] {V}
[time to|we should] [change|move] {T} in {F} to {V}
{T} ought to have been {V} [all along|from the start]; [correct|fix] {F}
if {T} in {F} isn't {V} yet, make it {V}
check {T} in {F}: [unless it is|if it is not|it has to be] {V}[, change it to that| already, set it so|]
""")

# Complete, with the old value too.
DO_FROM = Wordings("""
[change|switch|update|move|bump|take] {T} in {F} from {O} to {V}
in {F} [change|switch|turn] {T} from {O} [to|into] {V}
in {F}, {T} [goes|changes|moves] from {O} to {V}
{F}: {T} {O} -> {V}
{F}: {T} {O} => {V}
{F}: {T} was {O}, [now|make it|becomes] {V}
{T} in {F}: {O} [out|is wrong], {V} [in|is right]
{T} in {F} is {O}. [It should be|Make it|Should say|I want|We need] {V}
{T} in {F} is still {O}, [make it|should be|please set it to|but it has to be] {V}
{T} in {F} is [only|just] {O}; [I need|make that|I'd like] {V}
{F} says {O} for {T}, [but it is|but the truth is|should be|please correct to] {V}
{F} still [says|has|lists|claims] {O} for {T}. [It's|That is|It has been] {V} [now|since Monday|these days]
{F} has {T} at {O} [and|but] [I want|we want|it must be] {V}
{V} instead of {O} for {T} in {F}
{V}, not {O}, [is what|is how] {T} in {F} should be
not {O} but {V} is right for {T} in {F}
[use|put|write] {V} [instead of|rather than|in place of] {O} for {T} in {F}
instead of {O} I want {V} for {T} in {F}
rather than {O}, {T} in {F} [should be|must be|needs] {V}
[swap|exchange] {O} for {V} in {T}, file {F}
[replace|swap out] {O} [with|by] {V} [for|in|as] {T} in {F}
{O} is [wrong|outdated|old|stale|nonsense|too little|not right] for {T} in {F}: [use|make it|it's|should be] {V}
{O} as {T} [was|is] a [mistake|typo|bad choice|joke|placeholder]. [Make it|Change it to|Use] {V} in {F}
why is {T} in {F} {O}? [It should be|Make that|I asked for] {V}
why does {F} [have|say] {O} for {T}? We [agreed on|wanted|use|said] {V}. [Change it|Fix it|Please correct]
who put {O} for {T} into {F}? [Should be|Please make it|Change to] {V}
I see {O} for {T} in {F}. [That should be|Make that|Change it to] {V}
I [noticed|found out|just saw] that {T} in {F} is {O}; [change it to|it needs to be|we want] {V}
[right now|currently|at the moment|today|as of now] {T} in {F} is {O}, [but it should be|please make it|change that to|I need] {V}
[until now|so far|up to now] {T} in {F} was {O}. [Now|From today|From now on] it [is|should be] {V}
{T} used to be {O}, now it is {V}. [Update|Correct|Adapt] {F}
{T} changed from {O} to {V}, [update|reflect it in|adapt|edit] {F}
{T} is no longer {O} but {V}, [so edit|fix|please update] {F}
it's not {O} any more: {T} in {F} [is|becomes] {V}
{P} [says|told me|thinks|insists] {T} in {F} should be {V}[, not| and not| rather than] {O}
{P} [set|changed|put] {T} in {F} to {O} [by mistake|by accident|last week]. [Put it back to|It should be|Make it] {V}
[put|set|bring|change] {T} in {F} back to {V}, somebody made it {O}
{T} has the value {O} in {F}, [change it to|please set|replace that by] {V}
where {F} [has|says] {O} for {T}, [put|write|I want] {V}
where it says {O} for {T} in {F} it should [say|be] {V}
Old: {O}\\nNew: {V}\\nWhat: {T}\\nFile: {F}
{T}\\nold value {O}\\nnew value {V}\\nfile {F}
File {F}: {T}\\n- {O}\\n+ {V}
from {O} to {V} please: {T} in {F}
the {O} for {T} in {F} has to go, {V} [comes in|is the new value|instead]
[set|change] {T} in {F} to {V} (it is {O} [now|today|at the moment])
[set|change] {T} to {V} in {F}; [it says|it is|it has] {O} [now|there|today|so far]
[set|make] {T} {V} again, {F} has {O} [now|]
if {T} in {F} is {O}, change it to {V}
I would like {T} in {F} to be {V}, at the moment it's {O}
could {T} in {F} be {V} instead of {O}?
can you make {T} in {F} {V}? [It's|It is] {O} now
can we have {V} for {T} in {F} [rather than|in place of|instead of] {O}?
{O} doesn't [work|fit|help|cut it] for {T} in {F}. [Try|Use|Set] {V}
{T} of {O} is [too small|too big|not good|not enough] ({F}). [Go for|Take|Use] {V}
turn the {O} of {T} in {F} into {V}
""")

# Without a place; or without the thing's name, after a sentence that named it.
DO_HERE = Wordings("""
[change|set|update|switch|correct] {T} to {V}
{T} [should|must|has to|needs to] be {V}
[make|let] {T} [be |]{V}
I [need|want] {T} to be {V}
{T} has to [become|say|read] {V}
please [put|use] {V} for {T}
{T} is [now|from today] {V}
we want {V} for {T}
could you [change|set] {T} to {V}?
can {T} be {V}?
{T} -> {V}
the new {V} has to get in as {T}
[new value for {T}:|about {T}: make it] {V}
I'd like {V} as {T}
{P} wants {T} to be {V}
""")
DO_IT = Wordings("""
[make|set] it [to |]{V}
[change|switch|turn|update] it to {V}
[change|switch|correct] that to {V}
it [should|must|has to|needs to|ought to] be {V}
it should [say|read|become] {V}
[I want|I need|we need|we want] {V}
[make|let] that {V}
{V} [is right|is what we need|is correct], [so change it|please fix|edit it]
{V} please
please use {V}[ instead| from now on|]
[can you|could you|please] [make|turn] it [into |]{V}?
[put|write] {V} [there|in its place|instead]
that [should be|must be|has to be] {V}
[give it|it gets] the value {V}
[how about|let's try|let's use] {V} there?
""")
WHERE_T = Wordings("""
{F} [has|holds|contains|defines|sets] {T}
{T} is [defined|set|kept|written|stored] in {F}
{T} [lives|sits|stands|is] in {F}
you [find|will find|can find] {T} in {F}
there is {T} in {F}
in {F} there's {T}
[look at|see|take a look at|check|open|think of] {T} in {F}
I have a question about {T} in {F}
this is about {T} in {F}
""")
WHERE_IT = Wordings("""
it's in {F}
it is [defined|set|kept|stored|written down] in {F}
[that's|that is] in {F}
the file is {F}
see {F}
[look in|look at|edit|open] {F}
you find it in {F}
{F} has it
{F} is the [place|file][ to edit| to look at|]
file: {F}
it lives in {F}
(in {F})
[only|just] {F} [has|needs] it
""")
STATE_T = Wordings("""
{T} is [currently|still|now|at the moment|] {O}
[right now|today|at present] {T} is {O}
{T} says {O}
somebody set {T} to {O}
{T} is {O}, [which is wrong|that can't be right|I don't like that|and that is not what we agreed]
I see that {T} is {O}
{T} was set to {O} [last year|ages ago|by accident|during testing]
""")
STATE_TF = Wordings("""
{T} in {F} is [currently|still|now|at the moment|] {O}
[right now|today|at present] {F} has {O} for {T}
{F} says {O} for {T}
in {F}, {T} is {O}
in {F} somebody set {T} to {O}
{F} still gives {O} as {T}
{T} is {O} in {F}, [which is wrong|that can't be right|I don't like that]
I [see|found|have] {O} for {T} in {F}
""")
STATE_IT = Wordings("""
it is {O} [now|at the moment|today|right now|so far]
[now|currently|so far|at present] it's {O}
it [says|reads] {O} [now|there|]
it was {O}
(was {O})
(currently {O})
{O} is [wrong|outdated|the old value|what it was|no good]
you will see {O} there
the old value is {O}
it used to be {O}
""")
WHY = Wordings("""
[the|our] [tests|users|customers|ops people|docs|numbers] [complained|depend on it|don't agree with it]
we [changed|moved|reworked|renamed|migrated] the {N} [last week|yesterday|on Friday|recently]
{P} [noticed|found|spotted|reported] [this|it] [this morning|in the review|yesterday|in production]
I'm [preparing|working on|cleaning up|reviewing] the {N}
the {N} [is too slow|keeps failing|runs out of memory|looks odd|is confusing people|was discontinued|moved]
we [talked about|discussed] the {N} with {P}
[small|quick|easy|silly] [thing|one|request|job]
[sorry|hi], [me again|another one|one more]
I [always forget|can never remember|don't know] how [this|it] works[, so you do it|]
[there was|we had] a [meeting|call|discussion|complaint] about the {N}
[before|for] the [release|demo|launch|move|audit] we [need one more edit|must get this right]
this [came up|was asked] in [the review|today's call|the {N} channel]
I was [reading|looking at] the {N} [and got confused|and saw something|]
the {N} people [want|asked for] this
[this has annoyed me|it has been wrong] for [weeks|months|a long time]
{P} is [away|on holiday|ill], so I [have to ask you|turn to you]
[I hope|hopefully] this is [easy|quick]
our {N} [depends on it|needs this|will break otherwise]
don't ask me why
[long story short|to cut a long story short], we [lost|won] the {N} argument
""")
KEEP = Wordings("""
[just|only] [that|this] value
[just|only] that one [value|line|thing], [please|nothing else]
[leave|keep] the rest [alone|as it is|untouched|]
[do not|don't] [touch|change|edit] [anything else|the rest|other lines|the other values]
the [others|other values|other lines|other entries|other settings] [are fine|stay|are right|remain as they are]
[nothing else|no other line] [changes|should change|must change]
the name stays[, only the value changes|]
no [reformatting|cleanups|refactoring|other edits]
everything else is [right|fine|correct|good]
[keep|leave] the [formatting|quotes|comments|order] [as they are|]
I'll [test|commit|check|deploy] it [later|myself|tonight]
[no need to|don't] [run|test|commit] anything
{P} [will check|checks] it [later|afterwards|]
""")
KEEP_D = Wordings("""
[leave|keep] {D} [alone|as it is|untouched|the way it is]
[do not|don't] [touch|change|edit|confuse it with|mix it up with] {D}
{D} [stays|is fine|is right|is correct|remains|should stay] [as it is|]
not {D}[, mind you|, that one is fine|!|]
{D} is something else
I don't mean {D}
""")
OPEN = "hi|hey|hello|hi there|ok|okay|so|right|good morning|hey there|yo|um|listen|next|also|and|now|well|quick one|dear agent|alright".split(
    "|"
)
CLOSE = "thanks|thank you|thx|cheers|please|ta|much appreciated|thanks a lot|many thanks|pls|that's all|that is it|ok?|okay?|done then|tell me when done".split(
    "|"
)
