"""Requests to find things and to run things (notation: grammar.py). Slots: w a word or text, f a file, c a command,
e an ending of files."""

from __future__ import annotations

from .grammar import Wordings

WORD = Wordings("""
[which|what] file [has|contains|mentions|holds|includes|uses|says|talks about|refers to|speaks of] {w}?
[which|what] files [have|contain|mention|hold|include|use|say|talk about|refer to|speak of] {w}?
[which|what|which one] of [the|our|these|all the|my] files [has|contains|mentions|holds|includes|uses|says] {w}?
in [which|what] file [is|stands|does one find|do we find|do we have|do I find|do we mention|can I find|will I find] {w}?
where is {w} [mentioned|used|written|found|hidden|said|to be found|located|in this project|in this repo]?
where [do|did] [we|I|they|you] [mention|use|write|say|put|have|keep|talk about|refer to] {w}?
where does {w} [occur|appear|show up|come up|stand|come from|turn up]?
where in [the|this|our] [project|repo|repository|code|folder|tree] [is|can I find|do we have] {w}?
[find|locate|search for|look for|hunt for|track down|spot|seek|hunt down|show me|name|point me to|tell me] the file [with|that contains|that mentions|containing|mentioning|that has|where it says|in which stands] {w}
[find|locate|search|list|show|name|tell me] [all|the|all the|every one of the] files [with|that contain|containing|mentioning|that mention|that have] {w}
[search|grep|scan|go through|look through|comb through] [the project|the repo|all files|everything|the whole tree|the code|the folder] for {w}
[can|could|would] you [find|tell me|locate|check|look up|search|say] [which file has|where we have|in which file is|which file contains|where to find|what file holds] {w}?
[somewhere|in some file|in one of the files|some file here|I am sure that somewhere] [there is|it says|we wrote|I saw|is|stands] {w}. [Where|In which file|Which file is it|Find it|Which one|Where exactly|Can you find it]?
I [saw|wrote|read|remember|need to edit|noticed|put] {w} [somewhere|in some file|in one of the files|in this repo|a while ago]. [Where|In which file|Which file was it|Find it please|Can you find it|What file is it in]?
I[ am|'m] [looking|searching] for [the file with |the place where it says |]{w}
does {w} [appear|occur|show up] [anywhere|somewhere|in any file][? Where|? In which file|? Which file|, and where]?
is {w} [anywhere|somewhere|used|mentioned|in any file][ here|]? [Where|In which file|Which file]?
[who|which file|what] [uses|mentions|contains|knows] {w}?
{w}: [which file|where|in which file|where is it|what file]?
{w} - [which file|where|where is that from]?
[file|path] [with|containing|for] {w}?
[I need|give me|tell me|we want] the [path|name|path and name] of the file [with|that contains|that mentions|containing] {w}
[someone|a colleague|a customer|the boss] [complains about|asked about|quoted|found|mentioned] {w}. [Which file is that from|Where is it|In which file does it stand|Where do we say that]?
[an error message|the page|the app|the screen|the log] [says|shows] {w}. [Which file is that from|Where does it come from|Find the file]
before I [delete|rename|change] {w}: [which files have it|where is it used|in which files does it stand]?
[please |]grep {w}[ and tell me the file| for me| in here|]
yo where's {w}
no clue where I put {w}, can you look
I swear we had {w} in one of these files, which one was it
the reviewer wants to see {w}. Where do I send them?
if I had to change {w}, which file would I open?
please hunt through everything for {w} and tell me where you ended up
there must be a file with {w} in it, mustn't there? Which?
{w} came up in the call, where in the repo is that?
my editor's search is broken. {w}: which file?
point me at {w}
I'd like to open the file where {w} stands, what is it called?
{w} keeps haunting me, what file is it from
could any of these files be the one with {w}? Which?
what's the name of the thing that has {w} in it, the file I mean
where's the line with {w}, I mean which file
what's the file [with|that has|that mentions] {w}?
""")

ANY = Wordings("""
is {w} [mentioned|used|found|written|present|there] [anywhere|somewhere|in any file|in this project|in this repo]?
[do|did] we [mention|use|have|say|write] {w} [anywhere|somewhere|in any file|at all]?
does any [file|of the files|file here] [contain|mention|have|use] {w}?
[is there|are there|do we have] [any file|a file|anything|any mention] [with|that contains|of|that has] {w}?
[check|see|find out|tell me] [whether|if] {w} [appears|occurs|is used|is mentioned|is|exists] [anywhere|somewhere|in any file][ here|]
[can|could] you [check|tell me] [whether|if] any file [has|contains|mentions] {w}?
[yes or no|true or false]: [some file|one of the files] contains {w}
{w} [anywhere|somewhere] in [here|this repo|the project]?
""")

DEFINED = Wordings("""
where is {w} [defined|implemented|declared|written|coming from]?
[which|what] file [defines|implements|declares|contains the definition of|has the code of] {w}?
in [which|what] file is {w} [defined|implemented|declared]?
[find|locate|show me|point me to|look for] the definition of {w}
where [do|did] we [define|implement|declare] {w}?
[tell me|I need to know|find out] [where|in which file] {w} is [defined|implemented]
I [want|need] to [read|edit|see] {w}. [Where is it defined|Which file defines it|Which file is it in]?
[somebody|something] calls {w}. Where [does it live|is it defined]?
[can|could] you find [the definition of|where we define|the file that defines] {w}?
definition of {w}?
{w}: where is it defined?
""")

LINE = Wordings("""
on [which|what] line of {f} [is|stands|does one find|do I find|is there] {w}?
[which|what] line [of|in] {f} [has|contains|mentions|says|holds] {w}?
[tell me|give me|find|I need|report] the line number of {w} in {f}
where in {f} [is|stands|do I find|does it say] {w}? [Give me the line|Which line|The line number, please]
in {f}, [which|what] line [is|has|contains] {w} [on|]?
line number of {w} in {f}?
{f}: [which|what] line has {w}?
[can|could] you [tell me|find] the line of {f} [with|that has|that contains] {w}?
at [which|what] line does {w} [occur|appear|stand] in {f}?
""")

NAMED = Wordings("""
where is [the file |]{w}?
[where|in which folder] [is|do we keep|do I find|did we put|lies|is there] [the file |a file called |]{w}?
[find|locate|look for|search for] the file [called |named |]{w}
[find|locate] {w} [and tell me its path|and give me the path|for me|in the project|please]
what is the [full |]path [of|to] {w}?
[tell me|give me|I need] the path [of|to] {w}
[can|could] you [find|locate] {w}? I [don't know|forgot] [which|what] folder it is in
I can't find {w}. Where is it?
[which|what] folder [has|contains|holds] {w}?
is there a [file|file called|file named] {w}, and where?
path of {w}?
""")

ENDING = Wordings("""
[which|what] {e} files [are there|do we have|exist|does this project have]?
[list|show|name|find|give me|tell me] [all|the|all the|every one of the] {e} files
[where are|find me] the {e} files?
[are there|do we have] any {e} files? [Which|List them|Name them|What are they called]?
[I need|I want] [a list of|the paths of|the names of] [all |the |]{e} files
files [ending in|that end in|with the ending] {e}?
[can|could] you list [all |the |]{e} files?
""")

MANY = Wordings("""
how many files [contain|mention|have|use] {w}?
in how many files [is|does one find|do we use|do we mention] {w}?
[count|tell me the number of|find out the number of] [the |]files [that contain|with|that mention|containing] {w}
[what is|what's] the number of files [with|that contain|containing] {w}?
number of files with {w}?
""")

RUN = Wordings("""
[run|execute|start|launch|call|invoke|try|do|fire up] {c} [and|then] [tell me|report|say|show me|write here|let me know|paste] [what it prints|what it says|what comes out|the output|what it outputs|the result|what you see|what you get]
[run|execute|start|launch|call|invoke|try] {c}[ please| for me| here| once| in this folder| now|]. [What does it print|What comes out|What is the output|What do you get|Tell me the output|I need the output|Show me what it prints|Report what it prints|What does it say]?
what [does|will|would] {c} [print|say|output|show|return|give|report|produce|write|tell you]?
what [is|would be] the [output|result] [of|when you run|if you run] {c}?
what [happens|comes out|do you see|do you get|is printed|appears|is shown] [when|if] [you|I|we] [run|execute|start|call] {c}?
[can|could|would|will] you [run|execute|try|start|call] {c} [and tell me what it prints|and report the output|and show me the output|and paste the result|for me and tell me the output]?
[I need|I want|I'd like|give me|show me|paste|tell me|get me|fetch me|report] the [output|result] of {c}
[I want|I'd like|I need] to [see|know] what {c} [prints|outputs|says|gives|does print]
[please |]run {c}[ and report|]
[run this|execute this|try this|please run this|run the following|execute the following][ command| for me|]: {c}
[run this|try this][ and report| and tell me what it prints|, what does it print]: {c}
[I can't|I cannot] run {c} [here|on my machine|right now]. [What does it print|Do it for me and tell me the output|Please run it and tell me what it says]?
does {c} work? [Run it and tell me what it prints|Show me its output|What does it print]
[my|the|our] [terminal|shell|laptop] is [broken|closed|busy]: [run|execute] {c} and [tell me|report] [the output|what it prints]
output of {c}?
{c}: what does it print?
{c} - [what is the output|tell me what you get|what does it say]
[use|open] the shell and [run|execute] {c}, [I need the output|tell me what it says|then report what it prints]
[check|verify|see|look] what {c} [prints|says|gives|outputs] and [tell me|report it|let me know]
[let's see|let me know|find out|figure out] what {c} [prints|says|outputs]
[do|give] me a [run|quick run] of {c} and [show|tell] me [the output|what it printed]
go ahead with {c} and read me its output
just try {c}, what does it come back with?
I wonder what {c} would say here
humor me: {c}. What do you see?
{c} pls, and the output
type {c} into the shell and copy what you get back
I have never run {c}, what does it give?
could you type {c} for me? I need whatever it prints
the docs tell me to run {c}. Do that and report what you see
somebody sent me this: {c}. What does it print?
we need the output of {c} for the ticket
what comes back from {c}?
what would I see if I typed {c}?
one command: {c}. One question: what does it say?
[what's|what is] printed by {c}?
""")

EXIT = Wordings("""
[what is|what's] the [exit code|exit status|return code|status] of {c}?
[with which|which|what] [exit code|exit status|return code] does {c} [end|finish]?
[run|execute|try] {c} and [tell me|report] the [exit code|exit status|return code]
does {c} [succeed|fail|exit with 0|exit cleanly|return 0]? [Tell me|What is|Report] the exit code
[I need|give me|tell me|report] the [exit code|exit status|return code] of {c}
[run|try] {c}. [Which|What] exit code [do you get|does it have]?
exit code of {c}?
""")

LAST = Wordings("""
what is the last line that {c} prints?
[run|execute|try] {c} and [tell me|report|give me|show me] [only|just] the last line [of the output|that it prints]
[I need|give me|tell me] [only |just |]the last line of the output of {c}
the last line of {c}, what is it?
[run|execute] {c}. [I only need|I only want|Only tell me] the last line
""")

LINES = Wordings("""
how many lines does {c} print?
[run|execute|try] {c} and [tell me|report|count] how many lines it prints
[count|tell me the number of] [the |]lines [that {c} prints|of the output of {c}|printed by {c}]
[I need|give me] the number of lines [that {c} prints|in the output of {c}]
""")
