"""What people write after `--also`."""

import pytest
from sweetspot.cli.contenders import parse_contenders


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", []),
        ("dpmpp_2m/karras", [("dpmpp_2m", "karras")]),
        (" heun simple ; lcm/sgm_uniform,", [("heun", "simple"), ("lcm", "sgm_uniform")]),
    ],
)
def test_contenders_as_people_write_them(text: str, pairs: list[tuple[str, str]]):
    assert parse_contenders(text) == pairs


@pytest.mark.parametrize("text", ["heun", "heun/simple/karras", "a/b, c"])
def test_contenders_of_another_form_are_refused(text: str):
    with pytest.raises(ValueError, match="also: expected pairs"):
        parse_contenders(text)
