"""What people say around a request: greetings, reasons before, and what need not be done after (see grammar.py)."""

from __future__ import annotations

from .grammar import Wordings

GREETING = Wordings("""
[hi|hey|hello|morning|good morning|hi there|yo|hey there|evening],
[hi|hey|hello] again,
[hi|hello|hey] {P} here,
ok,
ok so
[right|so|well|alright],
[sorry to bother you|sorry for the noise|sorry, me again],
[quick one|small one|tiny thing|another one|one for you]:
[urgent|important|low priority|when you have a minute]:
@[agent|bot|assistant]
TASK:
TODO:
[next|now|next up]:
[got a minute|are you there|free right now]?
[good day|dear agent|hello assistant],
[help|help me|I need help].
""")

BEFORE = Wordings("""
I [was away|was on holiday|came back today|am new here|just joined|took over from {P}], so I don't know [the details|this code|much about it].
{P} [changed|touched|edited|cleaned up|refactored] [something|a few things|a value|some numbers] [yesterday|last night|on Friday|this morning|before the weekend].
[we|they] [ship|release|deploy|demo this] [tomorrow|today|on Monday|in an hour|next week].
[the customer|a user|{P}|our tester|support] [complained|called|wrote|asked] [today|again|this morning|about it].
I [think|guess|suspect] it's [a one-character thing|a small thing|a wrong value|only one number|just a slip].
[no idea|not sure|I don't know] [what|why|when it] happened.
it [worked|was green|was fine|passed] [yesterday|last week|on Friday|before the merge|until today].
[something|a value|a number] [got lost|got mixed up|went wrong|slipped] in the last [merge|commit|edit|refactoring|rebase].
this is about [the|our] {N} [project|script|tool|page|thing].
[I'm|I am] [on the train|on my phone|in a meeting|in a hurry], so [I can't look myself|short version|please do it for me].
ticket {D}.
[we|I] [looked|searched] [for an hour|all morning|everywhere], [no luck|nothing|found nothing].
the [build|pipeline|CI|nightly run] is [red|broken|stuck|failing].
[don't worry|no rush|take your time], [nothing burns|it can wait].
the {N} people need this [today|now|soon].
I copied [this|the project|some of the code] from [an old laptop|a backup|{P}'s machine|another repo].
[yesterday|this morning|last night] I [played around|experimented|tried something] [here|in the code|with some values] and forgot [to put it back|what I changed].
""")

AFTER_FIX = Wordings("""
[don't|do not|never|please don't] [touch|change|edit|weaken|rewrite] the [check|test|checks|tests|assertion][ itself|].
the [check|test|assertion] is right, the code is wrong.
[the expected value|what the check expects|the value in the message|what it asks for] is [right|correct|the truth].
[change|touch] [as little as possible|only what is wrong|one line at most, if you can].
[everything else|the rest|all the other values] [is fine|is ok|can stay|stays as it is|must stay].
[tell|let] me [what it was|know what it was|know the cause] [afterwards|at the end|when done].
[run it again|run it once more|check it again|try it again] [afterwards|when you're done|at the end].
I [only|just] [want|need] it [green|to pass|working] [again|].
no [new files|refactoring|big changes|other changes], please.
[then|and then|afterwards] tell me [which line|what] you changed.
[should be|it's probably|must be] [quick|easy|a small fix|one line].
I'll [commit|push|review] it [myself|later].
[thanks|thank you|cheers|thx|many thanks|ta].
[that's all|nothing else|that would be all|that's it].
""")

AFTER = Wordings("""
[everything else|the rest|all other files] [is fine|can stay|stays as it is|must stay as it is].
[don't|do not|please don't] [touch|change|edit] anything else.
[thanks|thank you|cheers|thx|many thanks].
[that's all|nothing else|that would be all|that's it].
no [explanations|long story|comments], please.
I'll [commit|push|review] it [myself|later].
[should be|it's] [quick|easy|a small thing].
in [this|that] order, please.
[do|please do] [all of it|everything|both|the whole thing] in [one go|this order].
[no need to ask|don't ask back|just do it].
""")
