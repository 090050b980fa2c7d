"""How people put two or three requests into one message (notation: grammar.py; A and B begin with capitals)."""

from __future__ import annotations

from .grammar import Wordings

PAIR = Wordings("""
{a}, then {b}
{a} and then {b}
{A}. Then {b}
{A}. After that, {b}
{A}. After that {b}
first {a}, then {b}
First {a}. Then {b}
first {a}; second, {b}
1. {A}\\n2. {B}
1) {a}\\n2) {b}
- {A}\\n- {B}
* {a}\\n* {b}
{A}. Also {b}
{A}. Also, {b}
{A}. [And|Plus|Furthermore|In addition|Additionally|Besides], {b}
{a}; then {b}
{a}; {b}
{A}. [Next|Afterwards|Second|Finally|Last but not least|Then, please|When you're done], {b}
[two things|Two tasks|2 things|two jobs|Two small things|a double task]: {a}, and {b}
[two things|Two tasks|2 things|two jobs|Two requests] [today|for you|please|]:\\n\\n- {A}\\n- {B}
{a}, and {b}
{a}, and after that {b}
{a}, afterwards {b}
{a}, and also {b}
{A}\\n{B}
{A}.\\n{B}.
{A}\\n\\n{B}
{A}.\\n\\n{B}.
{A}.\\nAfter that: {b}
[do the following|please do these|To do|My list|Tasks|What I need]:\\n1. {A}\\n2. {B}
[do the following|please do these|Todo|my list|Tasks]:\\n- {a}\\n- {b}
{A}. When that is done, {b}
{A}. Once that is done, {b}
{A}. As soon as that is done, {b}
Step 1: {a}\\nStep 2: {b}
Step one: {a}. Step two: {b}
[A|a]) {a}\\n[B|b]) {b}
(1) {a} (2) {b}
(a) {a}, (b) {b}
1. {a} 2. {b}
One: {a}. Two: {b}
{A}. That's the first thing. The second: {b}
{A}. And while you are [at it|there], {b}
{A}. While you're at it: {b}
{A}. Another thing: {b}
{A}. [One more|And another] thing: {b}
{A}. Second task: {b}
Task 1: {a}.\\nTask 2: {b}.
[Task one|First task|First job|First thing]: {a}. [Second one|Second task|Second job|Second thing]: {b}
[start with this|Begin with this|this comes first]: {a}. [Go on with|Then comes|Continue with]: {b}
the first part: {a}. the second part: {b}
{A} [--|...|/] {b}
{A} + {b}
{A} && {b}
{A} -> {b}
{A}, [next|finally|lastly], {b}
I have two [requests|things|wishes]. {A}. {B}.
I have two [requests|things|wishes]: {a}. {B}
{A}. {B}
{A}. {B}. Both, please.
[Before anything else|To begin with|For a start], {a}. Then {b}
this [needs|takes] two steps: {a}, then {b}
{B}. But before that, {a}
{B}. Before you do that: {a}
""")

# A part that is a question or has several sentences can only stand by itself.
APART = Wordings("""
{A} {B}
{A} Then {b}
{A}\\n{B}
{A}\\n\\n{B}
1. {A}\\n2. {B}
1) {A}\\n2) {B}
- {A}\\n- {B}
{A} After that: {b}
{A} Second thing: {b}
{A} Also: {b}
{A} And then: {b}
{A} Next: {b}
Two things. {A} {B}
First: {a} Second: {b}
Step 1: {A}\\nStep 2: {B}
I have two requests.\\n\\n{A}\\n\\n{B}
Task 1: {A}\\nTask 2: {B}
(1) {A} (2) {B}
""")

SHOW = Wordings("""
show me {F} with cat
show me {F} [as it is now|afterwards|at the end|]
cat {F}
cat {F} [and tell me what it says|at the end|so that I can see it|]
print {F}
[let me see|show|print] [the result in|the new content of|the whole of] {F}
[tell me|report] what {F} [says|contains|looks like] [now|]
[verify|check|confirm] it with cat {F}
use cat on {F} to show [the result|me]
[read|print] {F} back to me
[show|give] me the [final|new|changed] {F}
""")
