"""The words that names and contents are made of, and which of them training never sees."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass

_NOUNS = """
acorn album alley almond anchor ankle apple apron arcade arch arrow artist aspen atlas attic
autumn avenue award axle bacon badge bagel bakery balcony ballad bamboo banana banner barley barn
barrel basil basin basket beach beacon beaver bedroom beetle bell belt bench berry bicycle billing
birch bishop blanket blossom board boat bonfire bonnet booklet border bottle boulder bouquet
bowl bracelet branch bread breeze brick bridge broom brush bucket budget buffet builder bulb bundle
bureau butter button cabin cabinet cable cactus cake calendar camel camera campus canal candle
canoe canvas canyon captain caravan carbon cargo carpet carrot castle catalog cavern cedar cellar
cereal chain chair chalk channel chapel chapter charter cheese cherry chess chestnut chimney
chisel chorus church cider cinema circus citizen clay client cliff climate clinic cloak clock
cloud clover coach coast cobalt cocoa coffee collar college comet compass concert contract cookie
copper coral cork corner cottage cotton council counter courier course cousin crane crater cradle
crayon cricket crown crystal curtain cushion customer cyclone cymbal dairy daisy dancer debate
deer delta dentist desert design desk dessert diary dinner diploma doctor dolphin donkey door
dough dove dragon drawer dream dress drum duck dune eagle easel echoes eclipse editor elbow elder
elephant elm ember emerald engine envelope estate evening exam expense export fabric factory
falcon farm feather fence fern ferry festival fiddle field finch finger flag flame flannel fleet
flood floor flour flower flute foam forest fork fossil fountain fox frame freight frog frost fruit
funnel fur furnace galaxy gallery garage garden garlic garnet gate gazebo gears geese gem geyser
ginger giraffe glacier glass glider globe glove goat goblet goose granite grape grass gravel
grocery grove guitar gull hammer hammock hamster handle harbor harness harp harvest hat hazel
heater hedge heron hill hinge hippo hockey honey hood hook horizon horn horse hostel hotel hurdle
husk igloo import index inlet insect invoice iris iron island ivory ivy jacket jaguar jam jar
jasmine jelly jersey jewel journal journey judge juice jungle kayak kennel kernel kettle kiln
kitchen kite kitten koala label lace ladder lagoon lake lamb lamp lantern lark laundry lava lawn
leaf leather lecture ledger lemon leopard lettuce library lichen lilac lily lime linen lion
lizard llama lobby lobster locket lodge lotus lumber lunch lute lynx magnet magpie maple marble
margin market marsh mask meadow medal melon menu merchant mercury meteor midnight mill mineral
mint mirror mitten moat model monkey monsoon moose morning mosaic moss moth motor mountain muffin
museum mushroom music mustard napkin nectar needle nephew nest nickel notebook novel nugget nurse
nursery nutmeg oak oasis oats ocean octopus office olive onion opal opera orange orbit orchard
orchid order organ osprey otter outing oven owl oyster paddle painter palace palm panda pantry
paper parade parcel parent parrot party pasta pastry patient patrol payment peach peacock pearl
pebble pelican pencil penguin pepper permit petal phone piano picnic pigeon pillow pilot pine
pioneer pirate planet plaza plum pocket podium poem poet polar pond pony poplar poppy porch
portrait postcard potato potter prairie prism profit prune pudding puffin pumpkin puppet puzzle
pyramid quail quarry quartz quilt quiver rabbit raccoon radar radio radish raft railway rain
rainfall raisin ranch raven recipe record reef refund region rent report resort review ribbon rice
ridge ring river road robin rocket roof rooster rose rotor rover ruby rudder runner saddle saffron
sage sail salad salary salmon salon sandal satin sauce scarf schedule school scooter screw sculptor
season seat secretary seed sensor shadow shark sheep shell shelter sheriff ship shore shovel
shower shrimp siren sister sketch ski skirt sky sled slipper snail snow soap soccer sofa sonnet
soup sparrow spider spinach sponge spoon spring spruce squash squid stable stadium staff stamp
statue steam steel stew stone stork storm stove straw street student studio sugar summer summit
sunflower sunset supper survey swan sweater syrup tango tavern tax teacher teapot temple tennis
tent terrace theater thimble thistle thread throne thunder ticket tiger timber toast tomato topaz
torch tourist towel tower tractor trail train tram treaty tribe trolley trophy trout trumpet tulip
tunnel turbine turnip turtle tutor twig umbrella uncle valley vanilla vapor vase vault velvet
vendor venue verse village vine vinegar violet violin visa visitor voyage waffle wagon walnut
walrus warehouse water weasel weather wedding whale wheat wheel whistle widow willow window winter
wolf wood wool workshop wreath wren yacht yarn yogurt zebra zenith zephyr zinc
"""

_ADJECTIVES = """
amber ancient annual arctic autumnal bitter blue bold bright brisk broad bronze calm central cheap
civic clever coarse cold cosy crisp crooked curly daily damp dark dense distant dusty early
eastern elegant faint famous fancy fierce final flat fluffy foggy foreign formal fragile fresh
frosty frozen gentle giant glossy golden grand green grey happy harsh hollow humble humid hungry
icy idle inner jolly keen lazy legal light lively local lonely loud loyal lucky mellow mild
misty modern modest monthly muddy narrow native neat noble noisy northern nimble odd old outer
pale plain polite proud purple quick quiet rapid rare red rough round royal rural rusty salty
scarlet secret shallow sharp shiny shy silent silver slim slow smooth soft solid sour southern
spare stale steady steep stiff strong sturdy sunny sweet swift tame tender thick tidy tiny tired
tropical urban vague vast vivid warm weekly western white wide wild wise wooden yearly yellow young
"""

_PEOPLE = """
Ada Ali Amara Anton Aria Bela Boris Bruno Carla Cedric Chen Clara Dalia David Dora Edith Elena
Emil Esra Fatima Felix Freya Gina Goran Greta Hana Hector Hugo Ida Igor Ines Ivan Jana Jonas
Julia Kai Karim Kira Lars Leila Leo Lina Luca Mara Marco Mina Milo Nadia Nils Nina Noor Olga Omar
Oscar Paula Pedro Petra Quinn Rafael Remy Rosa Ruth Samir Sara Selma Simon Sofia Tara Theo Tomas
Uma Vera Viktor Wanda Yara Yusuf Zara Zoe
"""


def is_held_out(word: str) -> bool:
    """Whether a word is kept for the new_names split: about one in five, the same everywhere."""
    return hashlib.sha256(f"held out: {word.lower()}".encode()).digest()[0] < 51


@dataclass(frozen=True)
class Lexicon:
    """The words that one split may use."""

    nouns: tuple[str, ...]
    adjectives: tuple[str, ...]
    people: tuple[str, ...]
    coins_words: bool  # whether names may hold invented words


def _lexicon(held_out: bool) -> Lexicon:
    nouns, adjectives, people = (
        tuple(word for word in words.split() if is_held_out(word) is held_out)
        for words in (_NOUNS, _ADJECTIVES, _PEOPLE)
    )
    return Lexicon(nouns, adjectives, people, coins_words=not held_out)


TRAIN_WORDS = _lexicon(held_out=False)
HELD_OUT_WORDS = _lexicon(held_out=True)
ALL_HELD_OUT = frozenset(
    word.lower()
    for word in (*HELD_OUT_WORDS.nouns, *HELD_OUT_WORDS.adjectives, *HELD_OUT_WORDS.people)
)

_ONSETS, _VOWELS, _CODAS = (
    sounds.split()
    for sounds in (
        "b br c d dr f g gl h j k kl l m n p pr r s st t tr v w z",
        "a e i o u ai ea ia ou",
        "l m n nd r rk s sk t x ck th ll",
    )
)
_ENDINGS = [*_CODAS, "", "", "", ""]


def _of_syllables(rng: random.Random) -> str:
    syllables = 2 if rng.random() < 0.8 else 3
    word = "".join(rng.choice(_ONSETS) + rng.choice(_VOWELS) for _ in range(syllables))
    return word + rng.choice(_ENDINGS)


def _of_two_nouns(rng: random.Random) -> str:
    first, second = rng.choice(TRAIN_WORDS.nouns), rng.choice(TRAIN_WORDS.nouns)
    return first[: rng.randint(1, len(first) - 1)] + second[-rng.randint(1, len(second) - 1) :]


def coin_word(rng: random.Random) -> str:
    """An invented word, such as a project might be named; never a held-out one. Most begin as one
    noun and end as another, because a model that only ever sees whole nouns completes what begins
    like one instead of copying what stands there."""
    while True:
        word = _of_two_nouns(rng) if rng.random() < 0.6 else _of_syllables(rng)
        if not 3 <= len(word) <= 10:
            continue
        if word not in ALL_HELD_OUT and f"{word}s" not in ALL_HELD_OUT:
            return word


_COINED = 0.35  # share of the names that are invented


class Namer:
    """Draws names of files and folders, each at most once."""

    def __init__(self, rng: random.Random, lexicon: Lexicon) -> None:
        self.rng = rng
        self.lexicon = lexicon
        self._used: set[str] = set()

    def noun(self) -> str:
        """A plain noun of the split."""
        return self._pick(self.lexicon.nouns)

    def person(self) -> str:
        """A person's first name; some are unheard of."""
        if self.lexicon.coins_words and self.rng.random() < _COINED:
            return coin_word(self.rng).capitalize()
        return self._pick(self.lexicon.people)

    def nouns(self, count: int) -> list[str]:
        """Different words, not yet used by this namer; some are invented."""
        words: list[str] = []
        while len(words) < count:
            coined = self.lexicon.coins_words and self.rng.random() < _COINED
            word = coin_word(self.rng) if coined else self.noun()
            if word not in self._used:
                self._used.add(word)
                words.append(word)
        return words

    def file(self, extension: str) -> str:
        """A new file name with this extension."""
        return f"{self.folder()}.{extension}"

    def folder(self) -> str:
        """A new folder name."""
        while True:
            stem = self._stem()
            # one stem with two extensions would make requests hard to tell apart
            if stem not in self._used:
                self._used.add(stem)
                return stem

    def _pick(self, words: tuple[str, ...]) -> str:
        return words[int(self.rng.random() * len(words))]

    def _stem(self) -> str:
        # each part of a held-out name is a held-out word: no part of it was ever trained on
        if self.lexicon.coins_words and self.rng.random() < _COINED:
            return coin_word(self.rng)
        choice = self.rng.random()
        if choice < 0.72:
            return self.noun()
        if choice < 0.82:
            return f"{self._pick(self.lexicon.adjectives)}_{self.noun()}"
        if choice < 0.88:
            return f"{self.noun()}-{self.noun()}"
        if choice < 0.97:
            return f"{self.noun()}{int(self.rng.random() * 9) + 1}"
        return f"{self.noun()}_{self.noun()}"
