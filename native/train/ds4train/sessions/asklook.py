"""Requests to look a value up (notation: grammar.py). Slots: s what is meant, f the file, t another one, v a value,
q a whole question."""

from __future__ import annotations

from .grammar import Wordings

IN_FILE = Wordings("""
[what is|what's|what was|what would be] {s} [in|inside|according to|as per] {f}?
[what is|what's] {s}? [It's|It is|Should be|Must be|It stands|You'll find it|I put it|I saw it once|We keep it] in {f}
[what do|what did] [we|they|you] [have|use|put|write down|agree on|note|set] [as|for] {s} in {f}?
[what does|what did] {f} [say|give|have|list|show|contain|tell us|mention] [for|as|about] {s}?
does {f} [say|mention|tell] what {s} is? [Tell me|What is it|I need it]
[can|could|would|will] you [tell me|look up|check|find|find out|dig out|read|see|give me|get me] {s} [in|from] {f}?
[can|could] you [open|check|read|look into|look at|peek into|go through] {f} [and tell me|and report|and give me|and let me know|for] {s}?
[please |][tell me|look up|find out|fetch|get|give me|read out|report|show me|name|state|extract|pull|grab|retrieve|dig up] {s} [in|from|out of] {f}
[please |][open|read|check|inspect|consult|scan|look into|look at|look through|go to|go through|have a look at|take a look at] {f} [and|then] [tell me|report|give me|let me know|write here|say] {s}
[please |][open|read|check|look at] {f}[, I need|. I need|, I want to know|: I am after|. What is] {s}
[in|from|according to|looking at|based on|per] {f}, what [is|was|would be] {s}?
{f}: {s}?
{f} - {s}?
{f}, {s}?
{s} ({f})?
{s} in {f}?
{s}? see {f}
{s}, {f}
need {s} from {f}
[need|want|looking for|searching|after] {s}, file is {f}
[I need|I want|I'd like|I would like|I am looking for|I'm after|I have to know|we need|they want|give me] {s} [from|as it stands in|as written in|as given in] {f}
[I need to know|I want to know|I'd like to know|I wonder|I am curious|I was wondering|I have to tell them|I must report] what {s} is[ right now| at the moment| today|]. [See|Check|Look in|It's in|The file is] {f}
[I forgot|I don't remember|I can't remember|I no longer know|I never know|I keep forgetting] {s}. [It's|It is|It should be|It must be] [in|somewhere in|written in|noted in] {f}
[remind me|refresh my memory]: what is {s} in {f}?
[remind me of|remind me about] {s}, [it is in|it's in|see|look at] {f}
{f} [has|holds|contains|lists|defines|names|gives|states|knows] {s}. [What is it|Tell me|Read it to me|Which is it|What does it say]?
[somewhere in|there is a line in|one of the lines in|an entry of|the text in] {f} [there is|gives|has|states] {s}. [What is it|Read it out|Tell me what it says|Tell me]
[take|open|consult|use] {f} and answer: what is {s}?
[without changing anything|just reading, no edits], what is {s} in {f}?
[is there|do we have|is] {s} [defined|given|written|noted|stated] in {f}? [If so, what is it|What is it|Tell me the value]
[which|what] value does {f} [give for|assign to|hold for|record for|use for] {s}?
[what] value [of|for] {s} [is in|stands in|do we find in|does one find in] {f}?
{s} [is in|lives in|is kept in|can be found in|is stored in|is noted in] {f}. [What is it|Tell me|What does it say|How much or what is it|Read it]?
[we|they|people|customers] keep asking for {s}; {f} [has it|should know|says it|must say it]
[how|where] [is|was] {s} set in {f}, [and to what|what is the value]?
[what] have we got for {s} in {f}?
[my question|what I want to know] [is|would be]: what is {s} in {f}?
[which one|what] is {s}, [going by|if you go by|if you trust] {f}?
[have|take] a look: what is {s}, [file|see|in] {f}
[double-check|verify|confirm|check] {s} in {f} [for me|and tell me what it is|and report it]
[can|could] you [confirm|verify|double-check] {s} for me? [I think it is in|It's in|Look in] {f}
file: {f}\\nquestion: what is {s}?
[look up|report]: {s}\\nfile: {f}
read {f}. What is {s}?
[do you know|any idea|do you see|can you see] what {s} is? [It's|It is|Should be|Probably] in {f}
[say|write|print|output|display|echo] {s} as [given|found|set|stated] in {f}
[someone|somebody|a customer|a colleague|my boss|the auditor|support] [wants|asks for|needs|asked me for|would like] {s}. [See|Look in|It's in|Check] {f}
[go find|hunt down|track down|look for] {s} in {f} and [tell me|report back|report it|let me know]
[help me find|help me with] {s} in {f}
yo, {s}? {f} has it I guess
not sure anymore what {s} was, can you peek at {f}
I was told that {f} has the answer to this one: {s}
my memory is terrible. {s}, {f}, please
the intern asked for {s} and I said I'd check {f}, so, what is it
while you are in there: what does {f} have for {s}
I only have the printed version of {f} and it is old. What is {s} now?
when somebody opens {f}, what do they see for {s}?
{f} should tell us {s}, right? What is it?
so what did we end up with for {s} in {f}?
ok so {f}, I need exactly one thing out of it: {s}
give it to me straight: {s} in {f}
could you be so kind and read {s} to me from {f}?
if I opened {f} right now, what would I find for {s}?
trying to fill in a form here, it wants {s} and {f} is where we keep that
we argue about {s} over lunch, settle it please, {f} decides
pls read {f} n tell me {s}
{s} plz ({f})
I'd be grateful for {s}, as it stands in {f}
for the record, what is {s}? Source: {f}
[before|until] I touch anything, I would like to know {s} in {f}
quote me {s} from {f}
[copy|paste] {s} from {f} into your answer
which is {s} now that [{f} was updated|someone edited {f}]?
as far as {f} is concerned, what is {s}?
{f} was changed yesterday, what is {s} now?
I can see {f} in the listing but not what is inside. What is {s}?
put simply: {f}, {s}, what is it
what number or text do we have in {f} for {s}?
the value of interest is {s}; the file of interest is {f}
""")

NOWHERE = Wordings("""
[what is|what's|what was] {s}?
[what is|what's] {s} [in this project|in this repo|here|around here|with us|at the moment|currently|right now|these days]?
[what do|what did] [we|they] [have|use|put|agree on|set] [as|for] {s}?
[can|could|would] you [tell me|look up|find|find out|check] {s}[ for me|]?
[please |][tell me|look up|find out|find|search|report|give me|dig up|track down|hunt down] {s}
[I need|I want|I'd like|I am looking for|I'm after|we need|they want] {s}. [Some file has it|It is in the repo somewhere|It must be in one of the files|I don't know which file|No idea where it is|Search for it]
[I forgot|I don't remember|I can't find|I lost] {s}. [It is here somewhere|It's in one of these files|Which file has it, I don't know|Can you find it]?
[do you know|any idea|can you see|can you find out] what {s} is?
{s}?
[what about|and] {s}?
[where is|where do we set|where do we keep] {s} and what is it?
[somewhere|in some file|in one of the files|in this repository] there is {s}. [What is it|Tell me|Find it]
[remind me|refresh my memory]: what is {s}?
[search|grep|go through|scan] the [project|repo|files|folder|code] for {s} and [tell me|report] [it|what it is|the value]
[someone|somebody|a customer|my boss] [asked for|needs|wants] {s}. [Find it|Can you look it up|What is it]?
[which|what] value [do we have|is set|is used] for {s}?
need {s}, [don't know where it is|whatever file it is in|anywhere in here]
""")

QUESTION = Wordings("""
{q}? [It's|It is|It should be|Should be|It must be|I think it's|You find it|The answer is|We noted it|I wrote it down] in {f}
{q}? [See|Check|Look in|Look at|Read|Consult|Open|Ask|Try|Have a look at] {f}
{q} [according to|going by|if you trust|as per] {f}?
[according to|in|going by|as per|based on] {f}, {q}?
{f}: {q}?
{f} [says|knows|has it|should tell|will tell you|tells it]. {q}?
[read|open|check|look at|look into|go to] {f} [and tell me|and answer]: {q}?
[tell me|I want to know|I need to know|I have to know|find out], {q}? [See|In|File:] {f}
[somebody|a customer|a colleague|my boss|support] [asks|wants to know|asked me]: {q}? {f} [should know|has the answer|says it]
{q} ({f})?
{q}? -> {f}
file {f}: {q}?
[can you check|could you look into] {f}? {q}?
[I wonder|I was wondering|I can't remember|No idea|I forgot|Not sure]: {q}? {f} [should say|must know|has it]
{q}, [please|can you tell me|do you know]? [It's|It is|Look] in {f}
{q}? I [think|believe|guess|am sure|am told|remember] {f} [has it|says so|mentions it|would tell]
""")

IS_IT = Wordings("""
is {s} {v} in {f}?
is it {v}, {s} in {f}?
is {s} [really|still|already|actually|indeed] {v} in {f}?
does {f} [say|have|give|set|list] {v} [for|as] {s}?
in {f}, is {s} {v}?
{s} in {f} is {v}, [right|correct|true|is it not|isn't it|yes or no]?
[I think|I believe|I was told|they say|{t} says|somebody said] {s} is {v}. [Is that right|Is it|True|Correct]? [See|Check|Look in] {f}
[check|verify|confirm|tell me] [whether|if] {s} in {f} is {v}
[can|could] you [check|verify|confirm|tell me] [whether|if] {f} has {v} [for|as] {s}?
[yes or no|true or false]: {s} in {f} is {v}
[my notes say|the docs say|the ticket says] {v} for {s}. Does {f} agree?
was {s} set to {v} in {f}?
{f}: {s} is {v}?
""")

BOTH = Wordings("""
what are {s} and {t} in {f}?
what is {s} and what is {t} in {f}?
[tell me|give me|look up|report|find|read] {s} and {t} [in|from] {f}
[I need|I want|we need] both {s} and {t} from {f}
[I need|I want|we need] two [values|things|facts] from {f}: {s} and {t}
{s} and {t}? [Both are in|See|It's in|Look in] {f}
{f}: {s}, {t}?
{s} as well as {t}, both from {f}
[in|according to] {f}, what are {s} and {t}?
[open|read|check] {f} and [tell me|report] {s} and also {t}
[can|could] you [read|look up|tell me] {s} and {t}? [They are|Both are] in {f}
what does {f} say about {s} and about {t}?
""")

REVERSE = Wordings("""
[which|what] [setting|entry|key|name|item|field|line] in {f} [is|has the value|is set to|stands for|holds|says|carries] {v}?
[what|which one] in {f} is {v}?
[what|which] [thing|entry|name] [has|holds|carries|uses] {v} in {f}?
[I see|I saw|there is] {v} in {f}. [What is it|What does it belong to|Which setting is that|What is it the value of]?
{v} in {f}: [which setting is that|what is it|what does it belong to]?
[look|search] in {f}: [what|which entry|which name] has {v}?
[find|tell me|name] the [entry|setting|key|item] in {f} [with|that has|that is set to|whose value is] {v}
[where|for what] is {v} used in {f}?
to which [name|key|setting|entry] does {v} belong in {f}?
""")

NOT_THAT = Wordings("""
[I mean|I'm talking about|It's about|I want] {s}, not {t}.
Not {t}[, that is something else|, I know that one|, the other one|, please|].
[Don't|Do not|Please don't] [confuse it with|mix it up with|take|give me] {t}.
{t} [is|was] [not what I mean|something else|another thing|a different one|not of interest].
[I already know|I have|I know] {t}.
[There is|There's] also {t}, [which I don't need|I don't mean that one|ignore it|not that one].
""")
