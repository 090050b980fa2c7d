"""Wordings of requests to repair what a check complains about (notation: grammar.py).

Slots: c the command, X the check's file, m the file of the module, t the name that the check looks at, k the call of
it, e the value wanted.
"""

from __future__ import annotations

from .grammar import Wordings

COMMAND = Wordings("""
[our|the|my|this] [self check|self-check|sanity check|check|smoke test|little check] ({c}) [broke|fails|stopped working|is red|complains] [after the last edit|since yesterday|since the last edit of {m}|], can you [repair|fix] it?
{c} [used to work|used to pass|was green last week|passed before]. [Now it doesn't|Today it does not|Now it stops]. [Fix|Repair] [it|the code|what broke].
{c} [complains|is unhappy|stops|dies|bails out|exits with an error|throws an assertion]. [Sort it out|Make it happy|Get it green|Please repair the cause|Have a look and repair it].
[could|can|would] you [get|bring] {c} [back to green|working|running|to pass] again?
[could|can] you find out why {c} [fails|is failing|breaks] and [repair|fix|correct] [the cause|it|what is wrong]?
when I [type|enter|start|execute|call] {c} it [ends with|shows|prints|raises] an AssertionError. [Put that right|Correct the value|Please fix|Fix that].
I [ran|tried|started] {c} and it [failed|complained|was red]. [Where is the mistake? Correct it|Find the mistake and correct it|Repair it|Please fix it].
[start|run|execute|call] {c}, [read|look at] [the message|what it says|the error|what it expects], and [correct|repair|change|fix] the [code|value|project] [accordingly|so that it passes|until it is satisfied|].
[run|start|try] {c}; [one thing|something|a value] is off. [Correct it|Fix it|Put it right] and run it again.
{c} [tells|will tell] you what is [wrong|off|expected]. [Fix that|Correct it|Do that].
the [output|message|error] of {c} [says|tells you|names] [what is expected|the value it wants|what it wants]. [Fix the code|Make it so|Change the code to that].
[I want|I'd like|we want|we need] {c} to [pass|succeed|end with exit code 0|run through|be green].
{c} [has to|must|needs to|should] [pass|succeed|run through|be green] [before we ship|by tonight|again|]. [It does not|It doesn't|Right now it doesn't|At the moment it fails]. [Fix the cause|Fix it|Your turn].
{c} -> [AssertionError|fails|red|error]. [fix|repair|please fix].
{c} = red. make it green.
{c} failing, pls fix
[fix|repair|mend|sort out] [whatever|what|the thing that] makes {c} [fail|complain|stop|unhappy|red].
[fix|repair|correct] the [code|project|source|value] [until|so that] {c} [is happy|passes|no longer complains|succeeds|ends well].
the [build|pipeline|CI|release] is stuck [at|on|because of] {c}. [Unblock it|Unstick it|Get it going again|Fix the cause].
there is [one|a] wrong [value|number|text|line] [in the code|in this project|somewhere]: {c} [shows|finds|proves|reveals] it. [Correct it|Fix it|Put it right].
[somebody|someone|{P}] [changed|broke|messed up|mistyped] a value[ in {m}|]. {c} [notices|shows it|catches it]. [Put the right value back|Restore the right value|Correct it].
[somebody|someone] must have [fat-fingered|mistyped|swapped] something, {c} [is red|fails]. [Undo that|Correct it|Fix that].
why is {c} [red|failing|unhappy]? [And fix it, please|Fix it too|Repair it while you are there].
what's wrong with {c}? [Make it pass|Fix it|Repair it].
does {c} pass? [If not, repair the code|If it doesn't, fix the code|Fix the code if it does not].
[check|see] [whether|if] {c} passes; if [not|it doesn't], [fix|repair|correct] the [code|cause].
[please|] have a look at {c}, it [fails|stopped working|is broken] [since this morning|since the merge|for no clear reason|]. A [fix|repair] would be [great|nice].
we [use|have|run] {c} to [check|verify|guard] [the project|the numbers|our values]. It [fails now|is failing|does not pass]. [Repair it|Please make it pass].
{c} [expects|wants] something else than [the code|what {m}] gives. [Adapt|Correct|Change] the code.
the code and {c} disagree. [The check is right, the code is wrong|Believe the check and correct the code|The code is wrong; correct it].
{m} [has|contains] a mistake. {c} [shows it|tells you which|says what is expected]. [Correct it|Fix it|Please repair it].
[something|a value|one thing] in {m} is [wrong|off|not right|broken], [see|as you can see with|run] {c}. [Fix it|Correct it|Please repair].
after [my|{P}'s|the last] edit of {m} {c} [fails|is red|stopped passing]. [Can you repair it?|Please repair it.|Fix it.]
I [edited|changed|touched] {m} and now {c} [fails|complains|is red]. [Help|Fix it|What did I break? Fix it].
{c} fails because of {t}. [Fix it|Correct it|Repair it].
{t} [gives|returns|has|is] [the wrong thing|a wrong value|something wrong]; {c} [shows|says|knows] what it should be. [Fix it|Correct it].
{t} is [wrong|off|broken|not what it should be]. [Use|Run|Try] {c} to see [what is expected|the difference] and [fix|correct] it.
[run|start] {c}. [Correct|Fix|Repair] what it [finds|reports|names]. [Run it again|Repeat until it passes|Then run it again].
[keep|go on] [fixing|correcting] [values|things] until {c} [passes|is satisfied|has nothing to say].
there may be more than one [wrong value|mistake|problem]: [run|repeat] {c} until it passes, fixing [each|what it names].
{c} must end without an error. [Do what it takes|See to it|Take care of that].
goal: {c} [passes|green|exit code 0].
[problem|bug]: {c} fails.\\n[wanted|goal|expected]: it passes.
steps to reproduce: {c}\\nexpected: passes\\nactual: AssertionError\\n[Fix it.|Please fix.|Please repair.]
1. run {c}\\n2. read the [error|message]\\n3. fix the code\\n4. run it again
[my|the] teacher says {c} must pass. It does not. [Can you correct my code?|Please correct my code.]
please [see to it|make sure|take care] that {c} [passes|runs clean|doesn't fail any more|works again].
I can't [merge|release|push|deploy] while {c} fails. [Fix it|Please repair the code|Repair it].
{c} prints an [error|assertion error] instead of [ok|its usual line]. [Repair that|Fix the cause].
the [values|numbers|texts] in the code are not what {c} expects. [Bring them in line|Correct them|Fix the code, not the check].
[bring|get] the code in line with {c}.
{k} should be {e}, but it [isn't|is something else|gives something else]. {c} checks that. [Fix it|Please correct the code].
{c} says that {k} [must|should] be {e}. [It is right|That is right|Right it is]; [fix the code|correct the code].
[we expect|the spec wants|the docs promise|everybody expects] {e} from {k}. [See|Run] {c}[, which fails|]. [Fix the code|Correct it].
for some reason {k} is no longer {e}, {c} [notices|catches that|is red]. [Repair it|Fix it, please].
make {k} {e} again so that {c} passes.
why is {k} not {e}? {c} fails because of it. [Fix the cause|Repair the code].
{k} != {e}, see {c}. [fix|fix please|please correct].
I get an AssertionError about {t} [when I run|from|with] {c}. [Where does the wrong value come from? Fix it there|Fix it where it comes from|Fix the source of it].
{c} fails and I [have no idea|don't know|can't see] where the value [comes from|is set]. [Track it down and fix it|Find it and correct it|Trace it and correct it].
[track|trace|hunt] down why {c} fails and [fix|correct|repair] it [at the source|where it comes from|].
[follow|trace] the value that {c} complains about to where it is [set|defined|written], and [correct|fix] it there.
the value may stand in another file than you think; {c} must pass [in the end|at the end|when you are done].
{c} fails. [It may be|It could be|Possibly it is] a data file and not the code. [Fix the right one|Find out and fix it].
[no|not a] refactoring, only a fix: {c} must pass.
[start|begin] with {c}. [Read|Study] what it says. [Then|Next] find the [line|place] that is [wrong|off] and [correct|fix] it. [Finally|At the end] run it again.
[it would be great|I'd be happy|it would be nice] if {c} passed again. [Please see to it|Can you do that?|Please do that].
[is|why is] {c} still [red|failing]? [Take care of it|Please get it done|Fix it].
{c} went red [overnight|at some point|during the merge|this week]. [Sort it out|Please fix the code|Restore what was right].
[morning|Hello]! {c} is [red|failing] here. [Could you look and fix it?|Fix, please?|Please repair.]
{c} is what [the customer|{P}|the reviewer|our CI] runs. It [fails|ends with an assertion]. [It has to pass|It must pass]. [Fix the code|Do the fix].
[assertion|AssertionError] [in|from] {c}: [resolve|fix|clear] it.
[I suspect|I think|My guess is] that {m} [is off|has a wrong value|is to blame]: {c} fails. [Check and fix it|Have a look and fix it].
[I suspect|I think|maybe it's] {t}. {c} fails. [Please fix|Fix it|Check it and fix it].
[as a first job|to get going|for a start], [fix what|repair what|clear up what] {c} [complains about|prints].
[a|one] number or text in this project is not what {c} wants. [Find it and set it right|Correct that one].
[can|could] you make the code agree with {c}? [It is the code that is wrong|The check is right].
""")

NAMED = Wordings("""
{X} [complains|is unhappy|stops with an error|dies|throws an assertion|is angry]. [Sort it out|Get it green|Repair the cause|Find out why and repair it].
[our|the|my] [self check|sanity check|check|checker] {X} [broke|fails|stopped working|is red] [after the last edit|since yesterday|since {m} was edited|], can you [repair|fix] [it|that]?
[start|run|execute|call] {X}, [read|look at] [the message|what it says|what it expects], and [correct|repair|fix] the [code|value] [accordingly|so that it passes|].
{X} [used to pass|was green last week|worked before|passed yesterday]. [Now it doesn't|Not any more|Today it fails]. [Fix|Repair] [it|the code|what broke].
[could|can|would] you get {X} [green|to pass|through|working] again?
{X} [knows|says|tells you] what is [expected|right]. [Change the code accordingly|Make the code do that|Fix the code].
[I want|we want|I need] {X} [to pass|to be green|to run through].
something [in {m}|in the code] is [wrong|off]: {X} [fails|says so|finds it]. [Correct it|Fix it|Put it right].
[fix|repair|sort out] what {X} [complains about|reports|is unhappy with|finds].
{X} and {m} [disagree|don't agree]. [The check is right|{X} is right]. [Fix the code|Correct the other one].
{m} is [wrong|broken|off] somewhere, {X} [shows where|tells|finds it]. [Fix it|Please correct it].
[someone|somebody|{P}] changed [{m}|a value|something] and {X} [fails|is red] [now|since then]. [Correct it|Put it right|Repair it].
{t} is [wrong|off|not right], at least {X} [says so|thinks so]. [Fix it|Correct it].
{t} [gives|has] a wrong value ({X} [shows it|fails]). [Fix it|Please correct].
make {X} [happy|green|shut up|pass] [again|] by fixing [the code|what it checks].
why does {X} [complain|fail|stop]? [Correct|Fix] the [cause|code].
does {X} pass? [If not, fix the code|Fix the code if it doesn't].
{X} [red|failing|fails], [pls fix|fix pls|please fix]
{X}: [red|fails|AssertionError]. fix.
try {X} and [correct|fix] whatever it [finds|shows|names].
[look|have a look] [at|into] {X}: it [fails|is red]. [It is not the check's fault|The code is to blame|The code has a mistake]; [fix the code|correct it].
the [checks|assertions|expectations] in {X} [don't hold|fail|are not met] [any more|]. [Fix the code|Make them hold|Correct the code].
[one|at least one] of the [checks|assertions|expectations] in {X} [fails|is not met]. [Repair the code|Fix the code].
[run|repeat] {X} [until it passes|until all is well], [fixing|correcting] the code as it [demands|says].
I [wrote|have] {X} to [guard|check] {m}, and it fails. [Fix {m}|Correct {m}|Repair the code].
[goal|done when|definition of done]: {X} passes.
{X} must pass [before lunch|before the release|tonight|again]. [See to it|Fix the code|Make it so].
{X} expects {e} from {k}. [Fix the code|Make it so|Correct the code so that it gets that].
{k} should be {e} [according to|as in|see] {X}. [It isn't; fix it|Fix the code|Correct it].
{X} wants {k} to be {e}, [and it is right|which is right]. [Fix the code|Correct the code].
[track|trace|hunt] down what {X} complains about and [fix|correct] it [at the source|where it is set|].
[I have no idea|I don't know] why {X} fails. [Find the wrong value and correct it|Find out and fix it].
{X} fails[ since {P} was here| again|]. [The value may be in another file|It may be a data file]. [Find it and correct it|Fix it].
[take|pick] {X}, run it, [fix|repair] what is wrong, run it again.
[my homework|the exercise|the assignment] is checked by {X}, which [fails|is red]. [Correct my code|Fix my code].
[it|this project] is [done|ready] when {X} passes. [Right now it fails|It does not yet]. [Fix it|Finish it].
{X} is [the boss|the judge|right]. [Make|Let] the code [obey|agree|pass].
""")

ANY = Wordings("""
[our|the|my|this project's] [self check|self-check|sanity check|check script|check] [fails|is red|broke|complains|stopped working] [since yesterday|after the last edit|after I edited {m}|]. [Find it, run it, fix the code|Find the script and repair what it complains about|Can you repair that?|Please fix it.]
[there is|there should be|somewhere here is] a [check|check script|script that checks the values|self check], and it fails. [Fix the code|Find it and fix the code|Repair what it finds].
the [check|self check|sanity check] in this [project|folder|repo] [does not pass|fails|is red]. [Make it pass|Fix the code|Repair it].
[find|look for] the [check|check script|self check] [here|in this project], run it and [fix|repair|correct] what it [complains about|finds|reports].
[run|start] the [check|checks|self check] of this [project|repo] and [fix|correct|repair] [the code|whatever fails|what is wrong].
{m} [has|contains] a wrong value. [There is a check for it|A check exists|The project has a check]; [run it and fix the code|use it and correct the value].
{t} [gives|has|is] [the wrong value|something wrong]. [The check knows the right one|Our check knows better|The check script says what it should be]. [Fix it|Correct it].
I [broke|must have broken] something in {m}. [The check script says what|Run the check and repair it|Run our check and put it right].
[the checks|our checks] [fail|are red]. [Make them green|Fix the code|Repair the code].
[everything was fine|all was green] [yesterday|last week], now the check [fails|is red]. [Fix it|Repair the code].
please [look around|look] in this [project|folder]: a [check script|self check] [fails|is red] because of one wrong value. [Fix the value|Correct it].
[which|what] check do we have here? It [fails|should pass but doesn't]. [Run it and correct the code|Find it and fix the code].
the [self check|check] [stopped passing|went red] [after {P}'s change|yesterday|at some point]; [I forgot its name|find it, run it], [and fix the code|repair the code].
[before|so that] we can ship[,|] the check [has to|must] pass. [It fails now|Right now it is red]. [Fix the code|Correct what is wrong].
{k} should be {e}. [The check of this project|Our check|The check script] says so and fails. [Fix the code|Correct the code].
our check [wants|expects] {e} from {k}. [Fix the code|Make it so].
""")

TESTS = Wordings("""
[our|the|my] [tests|unit tests|test suite] [fail|are red|broke] [since yesterday|after the last edit|after I edited {m}|]. [Find out why and fix the code|Can you repair that?|Please repair the code.]
{m} has a [wrong value|mistake|bug]. [There is a test for it|A test shows it|The tests catch it]; [fix the code|correct it].
{t} [gives|has|is] [the wrong value|something wrong], [the tests say what it should be|see the tests|run the tests]. [Fix it|Correct it].
one [unit test|test case|test] [fails|is red|does not pass] [since this morning|since the merge|]. [Find out which and fix the code|Repair the code|Correct the code].
[run|start] [our|the] [tests|unit tests], [read|look at] what is expected and [fix|correct] the [code|value].
I [broke|must have broken] something in {m}, [the tests are red|a test fails now]. [Repair it|Please put it right].
the tests [were green|passed] [yesterday|last week], now [they don't|one fails]. [Fix the code|Find the cause and repair it].
[get|bring] the [tests|unit tests|suite] [green|to pass] again, [there is one wrong value|something is off in the code|the code is at fault].
{k} should be {e}[, the tests say|; that is what the tests expect]. [Fix the code|Correct the code].
[find|look for] the tests [here|of this project], run them, [fix|correct] what they [complain about|find].
the tests of {m} [fail|are red]. [Correct the code|Repair {m}].
[somebody|{P}] changed {m}, and the tests [fail|are red]. [Correct it|Put the right value back].
[no idea|I don't know] which test it is, but one fails. [Fix the code|Find it and fix the code].
[are the tests green|do the tests pass]? [If not, fix the code|Fix the code if they are not].
""")
