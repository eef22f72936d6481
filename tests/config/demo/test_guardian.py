import os
import secrets
import subprocess
import sys
import time

from gaia_config.demo import guardian


def test_the_end_of_the_box_ends_whatever_carries_its_word():
    word = secrets.token_hex(8)
    environment = {**os.environ, guardian.WORD: word}
    hidden = subprocess.Popen(["sleep", "60"], env=environment, start_new_session=True)
    stranger = subprocess.Popen(["sleep", "60"], env={**os.environ, guardian.WORD: f"{word}0"}, start_new_session=True)
    watcher = subprocess.Popen([sys.executable, "-m", guardian.__name__, word], stdin=subprocess.PIPE)
    try:
        time.sleep(0.1)
        assert hidden.poll() is None
        watcher.communicate(timeout=10)
        assert hidden.wait(timeout=5) == -9
        assert stranger.poll() is None
    finally:
        for process in (hidden, stranger, watcher):
            process.kill()
            process.wait()


def test_nobody_carries_a_new_word():
    assert list(guardian.find_members(secrets.token_hex(8))) == []
