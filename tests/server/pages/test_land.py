import re

from gaia_server.pages.land import draw_coast


def test_coasts_are_lines_without_the_frame_of_the_map():
    text = draw_coast().decode()
    (outline,) = re.findall(r' d="([^"]+)"', text)
    points = [(float(x), float(y)) for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", outline)]
    assert len(points) > 1000
    assert len(text) < 200_000
    pairs = re.findall(r"(-?[\d.]+) (-?[\d.]+)L(?=(-?[\d.]+) (-?[\d.]+))", outline)
    along = [pair for pair in pairs if min(abs(float(pair[0])), abs(float(pair[2]))) >= 180]
    assert along == [], "nothing runs along the date line"
