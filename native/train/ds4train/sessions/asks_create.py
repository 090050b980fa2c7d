"""Requests for a new file. Slots: F the new file, L its one line; in BELOW the text follows, in ABOVE it stands before."""

from __future__ import annotations

from .grammar import Wordings

DO = Wordings("""
[create|make|write|add|start|set up|generate|produce] [a file|a new file|the file|] {F} [with|containing|holding|that says|that contains|with the content|with the text|with the line] {L}
[I need|I want|we need|please give me|give me|there should be|let's have|how about] [a file|a new file|] {F} [with|containing|that says|with the text|holding|with nothing but] {L}
{F} [does not exist|isn't there|is missing|is not in the repo] yet[. It|, it| and] should [say|contain|hold|read] {L}[. Create it|. Please make it|]
{F} [should|must|has to|shall] [exist and |be a new file and |]contain [only|just|exactly|] {L}
{F} [is to be|should be|must become] a [new|one-line|tiny] file [with|containing] {L}
[put|write|save|store|drop|place|dump|record] {L} [into|in|to] [a new file|a file called|a new file named|a file named] {F}
[put|write|save|store] {L} [into|in|as|to] {F}[, which does not exist yet|, a new file|]
[save|store|keep] {L} [as|under the name|in the file] {F}
{L} [should|must|has to] [go|be saved|be written|be stored] [into|in|to] [a new file|the new file|] {F}
{L} is [all|the only thing|everything] [that should be in|I want in|that goes into] [the new file|] {F}
new file {F}: {L}
{F} (new): {L}
{F}: {L} [(new file)|- create that file|. Create it please]
[touch|mk] {F}, content {L}
> {F}: {L}
echo {L} into [a new|the new] file {F}
file {F}\\ncontent {L}
name: {F}\\ntext: {L}
path {F}, content {L}, [please create it|create that|new file]
one line, {L}, in a new file {F}
[could|can] you [create|make|write|add] {F} [with|containing|saying] {L}?
can I [have|get] a file {F} [with|that says|containing] {L}?
would you [write|make] {F}? [It only says|Content:|It should contain] {L}
my [tool|script|build|editor] [looks for|expects|needs] a file {F} [containing|with|that says] {L}. [Create it|Please make one|It is missing]
the [build|deploy|tool] fails because there is no {F}. [Create it with|It should contain|Make one with] {L}
{P} [asked for|needs|wants] a file {F} [with|containing|that says] {L}
[add|commit to] the project a file {F} with {L}
in a [new|fresh] file {F}[, write| put| I want to see| there should be] {L}
under {F} I want a [new|] file with {L}
at {F} [create|make|I need] a file [with|containing] {L}
[start|open|begin] a new file {F} and [write|put|enter] {L}
the new file {F} gets [one line|a single line|this text]: {L}
[create|make] {F}. [Content|Text|It says|Inside|The only line]: {L}
[create|add] {F}, [content|it should say|text is|one line]: {L}
{F} please, with {L} [in it|inside|as content]
I [was asked|have] to hand in a file {F} with {L}. [Write it|Make it|Create it]
remember {L} in a file {F}
let there be a file {F} [with|that says] {L}
""")
BELOW = Wordings("""
[create|make|write|add|start|set up|generate] [a file|a new file|the file|] {F} [with|containing|from] [this|the following|exactly this] [content|text|]
[create|make|write|add] {F} [like this|as follows|with these lines|with what follows]
[I need|I want|we need|give me] [a file|a new file|] {F} [with|containing] [this|the following|these lines]
{F} [does not exist|isn't there|is missing] yet. [It should contain|Create it with|Content]
{F} should [look like this|be|contain|hold] [this|]
[put|write|save|store] [this|the following|these lines|the text below] [into|in|as] [a new file|a file called|] {F}
[the following|this|the text below] [goes|should go|belongs|has to go] into [a new file|the new file|] {F}
new file {F}
{F} (new file)
content of the new file {F}
[could|can] you [create|make|write] {F} [with this|from this|for me, content below|with the text below]
would you write [this|the following] to {F}
my [tool|build|editor] needs {F}, [please create it|content below|it looks like this]
{P} sent me [this|the text below] for {F}. [Create it|Make the file|Please save it]
here's what I want in [a new file|] {F}
[here is|this is] {F}[, please create it|. Write it|, add it to the project]
[copy|type] [this|the following] into [a new file|] {F}
take [this|the text below] and [save it as|make it|write it to] {F}
at {F} [I want|create|there should be] a file [with this|like this]
[without any change|word for word|exactly as it is], save this as {F}
""")
ABOVE = Wordings("""
[save|store|write|put] [this|that|the above|it] [as|to|in|into] {F}
[that|this|the above] should [be|go into|become] [a new file|the new file|] {F}
[please make|make|create] {F} [from|out of|with] [this|that|the above]
[the above|this] is [the content of|what I want in] [the new file|] {F}. [Create it|Write it|]
I want that [in|as] {F}
{F} should contain [exactly|just|] [that|the above]
[can|could] you [save|put|write] that [to|in|into|as] {F}?
""")
KEEP = Wordings("""
[nothing else|no more|just that|only that]
[exactly|precisely] [so|like that|as written]
[no|without] [header|comment|extra lines|blank lines]
[leave|keep] the other files [alone|as they are|]
[don't|do not] [touch|change] [anything else|other files|the rest]
[that's|it is] a new file
[overwrite nothing|the other files stay]
I'll fill in the rest [later|myself]
""")
