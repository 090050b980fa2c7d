"""Copying material that covers the whole vocabulary: words glued from random tokens, everyday words, odd literals.

A name is copied token by token, and a token that is rare in the data is copied badly (`tuesday.txt` came back with
other syllables). So a part of all names and values is made of tokens drawn uniformly from the vocabulary; it is the
same material for both splits, because it never repeats.
"""

from __future__ import annotations

import json
import random
import re
from functools import cache
from pathlib import Path

_TOKENS = Path(__file__).resolve().parents[2] / "vocab" / "tokens.json"
_EVERYDAY = """
monday tuesday wednesday thursday friday saturday sunday january february march april may june july august
september october november december morning noon afternoon evening night midnight today tomorrow yesterday weekend
week month year season spring summer autumn winter birthday holiday christmas easter newyear breakfast lunch dinner
supper snack coffee espresso cappuccino tea juice lemonade beer wine cider water milk butter cheese yogurt cream egg
flour sugar salt pepper vinegar oil honey jam rice pasta noodle spaghetti lasagna pizza burger sandwich soup stew
salad curry taco burrito sushi dumpling pancake waffle muffin cookie biscuit cake pie brownie chocolate vanilla
cinnamon garlic onion potato tomato carrot cabbage spinach lettuce cucumber pumpkin broccoli mushroom avocado apple
banana orange lemon lime cherry grape melon peach pear plum apricot raspberry blueberry strawberry mango pineapple
chicken beef pork turkey lamb bacon sausage salmon tuna shrimp mother father sister brother aunt uncle cousin nephew
niece grandma grandpa wife husband daughter son baby friend neighbour neighbor roommate teacher student pupil doctor
nurse dentist lawyer plumber carpenter electrician gardener painter baker butcher driver pilot captain sailor soldier
farmer manager intern secretary accountant engineer designer customer guest visitor tenant landlord kitchen bathroom
bedroom garage basement attic balcony garden fence roof stairs hallway window door carpet curtain pillow blanket
mattress sofa armchair bookshelf wardrobe drawer fridge freezer oven stove dishwasher toaster kettle microwave lamp
candle mirror towel soap shampoo toothbrush laundry iron broom vacuum groceries shopping budget rent mortgage
insurance salary taxes invoice receipt wallet purse passport ticket luggage suitcase backpack umbrella jacket sweater
trousers skirt dress shirt socks shoes boots gloves scarf hat glasses bicycle motorcycle scooter tram subway railway
airport station harbour ferry highway parking traffic petrol diesel charger battery keyboard monitor headphones
speaker microphone camera tripod printer scanner tablet smartphone laptop router modem guitar piano violin trumpet
drums football basketball tennis volleyball hockey swimming running cycling hiking climbing skiing sailing yoga chess
puzzle library museum theatre cinema concert festival restaurant bakery pharmacy hospital school university office
church market supermarket beach mountain river lake forest island desert village city town suburb park zoo squirrel
hedgehog rabbit hamster parrot goldfish tortoise penguin dolphin octopus butterfly beetle spider sunflower tulip
daisy lavender orchid cactus oak willow maple weather sunshine rain snow storm thunder lightning fog wind rainbow
cloudy sunny windy frozen recipe ingredients homework essay lecture exam grade diploma diary letter postcard
newspaper magazine novel poem chapter headline interview meeting agenda minutes deadline reminder appointment
schedule calendar checklist wishlist playlist album lyrics melody hello goodbye welcome thanks sorry please congrats
happy birthday good luck safe travels sweet dreams anna peter maria john sarah michael thomas lisa julia martin
stefan claudia andreas nicole patrick sandra oliver susan robert linda james patricia william barbara richard jessica
charles karen christopher nancy matthew betty anthony margaret mark sandra donald ashley steven kimberly andrew emily
joshua donna kevin michelle brian amanda george melissa edward deborah ronald stephanie timothy rebecca jason laura
jeffrey helen ryan sharon jacob cynthia gary kathleen nicholas amy eric angela jonathan shirley larry brenda pamela
scott emma brandon virginia benjamin katherine samuel christine gregory rachel alexander frank carolyn raymond janet
dennis heather jerry diane tyler olivia aaron alice jose judith henry hannah paris london berlin madrid rome vienna
zurich brussels copenhagen stockholm helsinki dublin lisbon athens budapest prague warsaw moscow istanbul cairo tokyo
kyoto beijing shanghai singapore bangkok jakarta sydney melbourne auckland chicago boston seattle denver dallas
houston toronto vancouver mexico havana lima santiago bogota france germany spain italy norway sweden finland denmark
poland greece turkey egypt kenya india china japan brazil chile peru canada mercury venus earth mars jupiter saturn
uranus neptune pluto alpha beta gamma delta epsilon omega monthly weekly daily yearly hourly quarterly
""".split()
_EXTENSIONS = (
    "txt md log csv json yaml yml toml ini cfg conf py js ts html css sql sqlite3 db xml rst tex bak tmp old orig lock pdf"
    " png jpg jpeg gif svg ico webp mp3 mp4 wav ogg zip tar gz tgz bz2 xz whl egg so dll exe bin dat pkl npy parquet"
    " ipynb java kt go rs c h cpp hpp rb php pl lua sh bash zsh fish ps1 bat env properties gradle tf proto graphql vue"
    " jsx tsx scss less map pem crt key pub swp pyc class jar war apk iso img deb rpm dmg"
).split()


@cache
def _letters() -> tuple[list[str], list[str]]:
    """(lower-case, all) tokens that are made of ASCII letters only."""
    tokens = json.loads(_TOKENS.read_text(encoding="utf-8"))
    every = [t for t in tokens if re.fullmatch(r"[A-Za-z]{1,14}", t)]
    return [t for t in every if t.islower()], every


def glued(rng: random.Random, most: int = 3) -> str:
    """A lower-case word of one to `most` random tokens, at least three letters long."""
    lower = _letters()[0]
    while True:
        word = "".join(rng.choice(lower) for _ in range(rng.randint(1, most)))
        if 3 <= len(word) <= 16:
            return word


def mixed(rng: random.Random) -> str:
    """Any letters: CamelCase, CAPS and digits as tokens have them."""
    word = "".join(rng.choice(_letters()[1]) for _ in range(rng.randint(1, 3)))
    return word + (str(rng.randint(0, 999)) if rng.random() < 0.25 else "")


def everyday(rng: random.Random) -> str:
    return rng.choice(_EVERYDAY)


def extension(rng: random.Random) -> str:
    return rng.choice(_EXTENSIONS)


def a_word(rng: random.Random) -> str:
    return glued(rng) if rng.random() < 0.6 else everyday(rng)


def glob(rng: random.Random) -> str:
    """A pattern of an ignore file."""
    w, e = a_word(rng), extension(rng)
    return rng.choice((f"*.{e}", f"*.{e}", f"*.{w}", f"{w}/", f"/{w}/", f"**/{w}.{e}", f"{w}*.{e}", f"!{w}.{e}", f".{w}",
                       f"{w}/*.{e}", f"*.py[{rng.choice('cod')}]", f"*~", f"{w}.{e}", f".{w}/", f"*_{w}.{e}", f"*.{e}.{w}"))  # fmt: skip  # noqa: F541


def _atom(rng: random.Random) -> object:
    return rng.choice(
        (
            lambda: a_word(rng),
            lambda: a_word(rng),
            lambda: mixed(rng),
            lambda: rng.randint(0, 9999),
            lambda: rng.randint(0, 99),
            lambda: round(rng.uniform(0, 99), rng.randint(1, 2)),
            lambda: rng.random() < 0.5,
            lambda: f"{a_word(rng)} {a_word(rng)}",
            lambda: f"{a_word(rng)}.{extension(rng)}",
        )
    )()


def _data(rng: random.Random, depth: int) -> object:
    r = rng.random()
    if depth and r < 0.2:
        return [_atom(rng) for _ in range(rng.randint(0, 4))]
    if depth and r < 0.35:
        return {a_word(rng): _data(rng, depth - 1) for _ in range(rng.randint(0, 2))}
    return _atom(rng)


def one_liner(rng: random.Random) -> str:
    """A JSON object or list, a Python literal or call on one line: brackets and quotes close."""
    data: object = {a_word(rng): _data(rng, 2) for _ in range(rng.randint(1, 4))}
    if rng.random() < 0.25:
        data = [_data(rng, 1) for _ in range(rng.randint(1, 4))]
    r = rng.random()
    if r < 0.45:
        return json.dumps(data)
    if r < 0.65:
        return json.dumps(data, separators=(",", ":"))
    if r < 0.8:
        return f"{a_word(rng)} = {data!r}"
    arguments = ", ".join(
        rng.choice((repr(_atom(rng)), f"{a_word(rng)}={_atom(rng)!r}")) for _ in range(rng.randint(1, 3))
    )
    call = f"{a_word(rng)}({arguments})"
    return call if r < 0.9 else f"[{a_word(rng)}({call})]" if r < 0.95 else f"{{{a_word(rng)}: ({call}, [])}}"


def jumble(rng: random.Random) -> str:
    """Tokens, digits and marks in a row, as passwords, keys and tags have them."""
    bits = [
        rng.choice((glued(rng, 2), mixed(rng), str(rng.randint(0, 9999)), a_word(rng)))
        for _ in range(rng.randint(2, 4))
    ]
    return rng.choice(("-", "_", ".", "/", ":", "", "+", "=", "@", "-", "_")).join(bits)


def text(rng: random.Random) -> str:
    """A line of words that nobody would predict, or one of the odd literals."""
    r = rng.random()
    if r < 0.45:
        words = [a_word(rng) for _ in range(rng.randint(1, 6))]
        line = " ".join(words)
        return rng.choice(
            (
                line,
                line,
                line.capitalize(),
                line.title(),
                line + ".",
                line.capitalize() + "!",
                ", ".join(words),
            )
        )
    if r < 0.6:
        return jumble(rng)
    if r < 0.7:
        return glob(rng)
    if r < 0.78:
        return f"{a_word(rng)}: {rng.choice((a_word(rng), mixed(rng), jumble(rng)))}"
    if r < 0.85:
        return f"{a_word(rng)}.{extension(rng)}"
    return one_liner(rng)
