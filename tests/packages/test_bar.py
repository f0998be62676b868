"""The bar of wheels on their way: drawn where it is watched, and nothing elsewhere."""

from __future__ import annotations

import pytest

from starburst._client.display.packages_bar import PackagesBar


@pytest.mark.parametrize("watched", [True, False])
def test_the_bar_is_drawn_where_it_is_watched(
    watched: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    bar = PackagesBar("starburst packages: sent", 3_000_000, watched=watched)
    bar.moved(1_000_000)
    bar.moved(2_000_000)
    bar.finish()
    bar.moved(1)  # a thread that was a moment late draws nothing
    out, err = capsys.readouterr()
    assert not out
    assert ("3.00M/3.00M" in err) is watched
