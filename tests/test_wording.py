"""How numbers and foreign text are written, by hand."""

import subprocess
import sys

import pytest

from tutelage import wording


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (wording.percent(0.763), "76.3 %"),
        (wording.percent(None), "—"),
        (wording.percent(0.9, 0), "90 %"),
        (wording.rate(0.763, [0.742, 0.784], 800), "76.3 % ± 2.1 (n = 800)"),
        (wording.rate(0.5, [0.4, 0.6]), "50.0 % ± 10.0"),
        (wording.rate(0.012, [0.006, 0.022], 800), "1.2 % [0.6 to 2.2] (n = 800)"),
        (wording.rate(0.0, [0.0, 0.0], 1200), "0.0 % ± 0.0 (n = 1,200)"),
        (wording.rate(None), "—"),
        (wording.difference(0.151, [0.121, 0.181], 800), "+15.1 points ± 3.0 (n = 800)"),
        (wording.difference(-0.03, [-0.09, 0.01]), "−3.0 points [−9.0 to +1.0]"),
        (wording.points(-0.0001), "0.0 points"),
        (wording.points(0.0), "0.0 points"),
        (wording.signed(0.0, 2), "0.00"),
        (wording.signed(1234.5), "+1,234.5"),
        (wording.decimal(-0.25, 2), "−0.25"),
        (wording.decimal(-0.04), "0.0"),
        (wording.duration(0), "0.0 s"),
        (wording.duration(9.1), "9.1 s"),
        (wording.duration(9.96), "10 s"),
        (wording.duration(59.6), "1 min 00 s"),
        (wording.duration(124), "2 min 04 s"),
        (wording.duration(151.2), "2 min 31 s"),
        (wording.duration(3599.7), "1 h 00 min"),
        (wording.duration(3720), "1 h 02 min"),
        (wording.megabytes(1_300_000_000), "1,300 MB"),
        (wording.count(1_912_000), "1,912,000"),
        (wording.about(1_912_000), "1.9 million"),
        (wording.about(999_900), "1.0 million"),
        (wording.about(45_200), "45 thousand"),
        (wording.about(812), "812"),
        (wording.plural(1, "round"), "1 round"),
        (wording.plural(3, "round"), "3 rounds"),
        (wording.listing(["a"]), "a"),
        (wording.listing(["a", "b", "c"]), "a, b and c"),
        (wording.clipped("abcdef", 4), "abcd… (2 more characters)"),
        (wording.clipped("abcd", 4), "abcd"),
    ],
)
def test_numbers_by_hand(said, expected):
    assert said == expected


def test_an_interval_holds_0_at_its_ends_too():
    assert wording.holds_zero([-0.1, 0.1])
    assert wording.holds_zero([0.0, 0.1])
    assert not wording.holds_zero([0.001, 0.1])
    assert not wording.holds_zero([-0.1, -0.001])


def test_what_cannot_be_seen_is_spelled_out():
    hostile = "a\x1b[31m\x00\x07\t\r\nb\x7f\x85\u202e\u200b\u2028\ud800é👍"
    shown = wording.visible(hostile)
    assert shown == ("a␛[31m␀␇␉␍\nb␡⟨U+0085⟩⟨U+202E⟩⟨U+200B⟩⟨U+2028⟩\ufffdé👍")


def test_the_module_is_light():
    code = "import sys, tutelage.wording; print({'plotly', 'torch'} & {*sys.modules})"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
