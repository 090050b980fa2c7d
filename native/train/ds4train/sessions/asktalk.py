"""Plain questions in many wordings (notation: grammar.py). Slots: a and b two things, x a term, t what somebody wants
to do."""

from __future__ import annotations

from .grammar import Wordings

DIFFERENCE = Wordings("""
[what is|what's|what exactly is|what would be] the [difference|main difference|key difference|real difference|distinction] between {a} and {b}?
[what are|which are] the [differences|main differences|important differences] between {a} and {b}?
[explain|describe|tell me|clarify|name|give me|summarize|outline|state] the [difference|main difference|distinction] between {a} and {b}[ please| briefly| in one sentence| in a few words| in plain words| for a beginner|]
[can|could|would|will] you [explain|tell me|describe|clarify|say] [the difference between {a} and {b}|how {a} and {b} differ|how {a} differs from {b}|what sets {a} apart from {b}]?
how [do|would] {a} and {b} differ?
how does {a} differ from {b}?
how is {a} different from {b}?
how does {a} compare [to|with] {b}?
[in what way|in which way|in what respect] [does {a} differ from {b}|is {a} different from {b}|do {a} and {b} differ]?
{a} [vs|vs.|versus|or|against] {b}?
{a} vs {b}[ please|, please explain|, short|: difference|]
{a} [or|and] {b}: [what is the difference|how do they differ|please compare|which is which]?
[compare|contrast] {a} [and|with|to] {b}[ briefly| in a sentence| for me|]
[please |]compare {a} and {b}
difference between {a} and {b}
differences {a} {b}?
[is|are] {a} [the same as|the same thing as|just another name for|any different from|not the same as] {b}?
[are|aren't] {a} and {b} [the same|the same thing|two names for one thing|equal]?
[I|I always|I keep|we|people] [mix up|confuse|mixing up|confusing] {a} and {b}. [What is the difference|Can you explain|Help me|How do they differ|Which is which]?
I [never understood|don't get|don't understand|can't remember|forgot|never know|am not sure about] the difference between {a} and {b}[. Can you explain it|. Please explain|. Help|]
I know {a}, but [what is|what about|how is] {b}[ different|]? [Compare the two|Explain the difference]
[someone|a colleague|my teacher|an interviewer|a friend|my son] asked me [for|about|to explain] the difference between {a} and {b}[. What do I say|. What should I answer|. Help me|]
[when|in which case] [should|would|do|must] I [use|take|choose|pick|need] {a} and when {b}?
should I use {a} or {b}? [What is the difference|How do they differ]?
why [would I|should I|do people] use {a} [instead of|rather than|and not|over] {b}? [What is the difference|How do they differ]?
[what does|what can] {a} do that {b} [does not|doesn't|can't]?
what [makes|sets] {a} [different from|apart from] {b}?
[quick|short|simple|beginner|dumb] question: {a} [vs|or|versus] {b}?
[for|in] [an interview|an exam|a quiz]: {a} versus {b}
[in short|briefly|in one sentence|in simple words|in plain English], [how do {a} and {b} differ|what is the difference between {a} and {b}|{a} vs {b}]?
[tell me|I want to know|I'd like to know|I need to know|I wonder|I was wondering] how {a} [differs from|is different from|compares to] {b}
[teach me|show me] the difference: {a} and {b}
what separates {a} from {b}?
{a} and {b}, [what's the difference|what is the difference|how are they different|are they the same]?
[what's|what is] {a} compared to {b}?
both {a} and {b} [exist|come up a lot|sound alike]. [How do they differ|What is the difference]?
""")

DEFINE = Wordings("""
[what is|what's|what exactly is|what actually is] {x}?
[what is|what's] {x}[ again| exactly| anyway| in simple words| in plain English| in one sentence| in short|, roughly|, please]?
what does {x} mean?
[what do|what would] [people|developers|programmers|they|you] [mean by|mean with|call] {x}?
[what is|what's] [meant by|the meaning of|the idea of|the idea behind|the point of|the definition of] {x}?
[can|could|would|will] you [explain|define|describe|tell me about] {x}[ to me| briefly| in a sentence| in simple words| please|]?
[can|could] you tell me what {x} is?
[explain|define|describe] {x}[ briefly| in one sentence| in short| in a few words| simply| for a beginner| to me| like I'm five| please|]
[tell me|remind me|teach me] [what {x} is|what {x} means|about {x}]
[do you know|have you heard of|are you familiar with] {x}? [What is it|Explain it|Tell me]
[I keep|I always] [hearing about|reading about|hear about|read about] {x}. What is [it|that]?
I [don't know|have no idea|never learned|forgot|am not sure] what {x} is[. Can you explain|. Please explain it|. Help|. Tell me|]
[I'm|I am] [new|a beginner|learning]. What is {x}?
[give me|I need|write me] a [short|brief|one-line|one-sentence|simple] [definition|explanation|description] of {x}
[a|one] [short|quick] definition of {x}, please
[someone|a colleague|my boss|the docs|the ticket|a friend] [mentioned|talks about|asked me about|wrote] {x}. What is [it|that]?
[what|how] would you [call|describe|explain] {x}?
how do you [define|explain|describe] {x}[ to a beginner| in a sentence|]?
{x}?
{x} - what is [it|that]?
{x}, what does that mean?
what kind of thing is {x}?
meaning of {x}
define: {x}
[in short|briefly|in one sentence|in simple words|in plain words], what is {x}?
[quick|short|simple|dumb|theory|general|interview] question: what is {x}?
what should I know about {x}?
what is {x} [good for|about|used for]?
why do people talk about {x}? What is it?
""")

HOW = Wordings("""
how [do|can|would|could|should|might|must] [I|you|we|one] {t}?
how to {t}[?|]
how do I {t}[ quickly| properly| again| from the terminal| the easy way|]?
what is the [best|easiest|simplest|right|usual|quickest|proper|standard] way to {t}?
what's the [way|trick|command|easiest way] to {t}?
[what|which] [command|steps] [do I need|should I use|would you use|can I use] to {t}?
[can|could|would] you [tell|show|teach|remind] me how to {t}?
[can|could] you explain how to {t}?
[tell|show|teach|remind] me how to {t}
[I want|I need|I'd like|I am trying|I'm trying|I have|we want|we need] to {t}. [How|How do I do that|How does that work|What do I do|What's the way|Any idea how|Can you help|What do I type]?
I [forgot|don't remember|never remember|don't know|can't remember|keep forgetting] how to {t}
[is there|there is surely|isn't there] a way to {t}?
[any idea|any tip|a hint on|help me,] how to {t}?
[do you know|would you know] how to {t}?
[explain|describe] [briefly |]how to {t}
[someone|a colleague|a beginner|my friend] asks how to {t}. [What do I answer|What should I say]?
[quick|short|simple|beginner] question: how do I {t}?
[steps|instructions|command|the way] to {t}?
{t} - how?
trying to {t}, [help|how|what do I do]?
[what|how] would you do to {t}?
is it [possible|hard|easy] to {t}? How?
[in general|generally|normally], how do you {t}?
""")

BEFORE = Wordings("""
[Hi|Hello|Hey|Morning|Good morning|Good evening|Hi there|hey there][,|!|.]
[Quick|Small|Short|Simple|General|Stupid|Silly|Random|Theory|Another] question[.|:| for you:|, no code needed:]
[Just curious|Just wondering|Out of curiosity|By the way|Btw|Off topic|Unrelated]:
[No task|No work|Nothing to do] [this time|right now|for the moment][.|, just a question.]
[Before|While] we [start|go on|are at it|wait], [a question.|something else.]
[I am|I'm] [preparing for an interview|learning to program|reading a book|writing a blog post|explaining this to a friend|studying|new to all this].
[I have|I've got] a question [for you|that has nothing to do with this repo|about something else|].
[No need to|Don't|You need not] [look at|read|open|touch] [the code|any file|the files|the repo].
[Without|No] tools, [please:|just from memory:|only words:]
[May I ask|Can I ask|Let me ask] [you something|a question|one thing][?|:]
[Ok|Okay|So|Well|Now|Next|Great|Right|Hm],
Q:
Question:
Help me [understand something|out|learn].
""")
AFTER = Wordings("""
[Keep it|Make it|Be] [short|brief|simple][, please|].
[One|A single|A short] [sentence|line] [is enough|is fine|will do|please].
[Just|Only] [briefly|in a sentence|a sentence|the basics].
[No code|No files|No tools|No example] [needed|please|necessary].
[No need to|Please don't|Don't] [look at|open|search|change] [the files|anything|the repo|any file].
[Thanks|Thank you|Thanks a lot|thx|Cheers][!|.|]
[In|Use] [simple|plain|easy] words[, please|].
[I'm|I am] [just curious|a beginner|only wondering].
[It's|It is] for [an interview|a talk|my notes|a quiz|a friend].
""")
