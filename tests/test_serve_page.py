"""The page itself, in a headless Chromium: what a composer does, and what is then to be seen."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

pytest.importorskip("fastapi", reason="needs the extra [page]")
pytest.importorskip("verovio", reason="needs the extra [page]")
pytest.importorskip("playwright", reason="needs playwright, which drives the browser")

import uvicorn
from playwright.sync_api import Browser, Page, expect, sync_playwright

from subtractive.arrangement import Arrangement
from subtractive.files.midi import read_midi, write_midi
from subtractive.files.sound import synthesizers
from symbolic.serve.__main__ import listening
from symbolic.serve.app import create_app
from tests.conftest import plain
from tests.test_serve import Quick, until

if TYPE_CHECKING:
    from symbolic.writer import PartWriter

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SHOTS = "SUBTRACTIVE_SHOTS"  # a folder for pictures of the page, to be looked at


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip(f"needs a browser: {', '.join(BROWSERS)}")
    with sync_playwright() as driver:
        # sound needs no click of a person's here
        options = ["--autoplay-policy=no-user-gesture-required"]
        if os.geteuid() == 0:
            options.append("--no-sandbox")
        chromium = driver.chromium.launch(executable_path=program, args=options)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def writer() -> Quick:
    return Quick()


@pytest.fixture(scope="module")
def address(writer: Quick) -> Iterator[str]:
    def make_writer(check: Callable[[], None]) -> PartWriter:
        writer.check = check
        return cast("PartWriter", writer)

    listener = listening("127.0.0.1", 0)
    config = uvicorn.Config(
        create_app(make_writer), log_level="warning", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    server.should_exit = True
    thread.join(timeout=15)
    listener.close()
    assert not thread.is_alive()


@pytest.fixture(params=["light", "dark"])
def page(
    request: pytest.FixtureRequest, browser: Browser, address: str, writer: Quick
) -> Iterator[Page]:
    """The page, on which nothing may go wrong unseen and nothing may be fetched from elsewhere."""
    writer.gate.set()
    context = browser.new_context(
        color_scheme=request.param, viewport={"width": 1360, "height": 900}, accept_downloads=True
    )
    page = context.new_page()
    wrong: list[str] = []
    # 422 is how the server tells a mistake of the user's
    page.on(
        "console",
        lambda said: (
            wrong.append(said.text) if said.type == "error" and "422" not in said.text else None
        ),
    )
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "request",
        lambda asked: (
            None if asked.url.startswith((address, "data:", "blob:")) else wrong.append(asked.url)
        ),
    )
    page.goto(address)
    yield page
    context.close()
    assert wrong == []


@pytest.fixture
def shot(page: Page, request: pytest.FixtureRequest) -> Callable[[str], None]:
    folder = os.environ.get(SHOTS)
    scheme = request.node.callspec.params["page"]

    def take(name: str) -> None:
        if folder:
            page.screenshot(path=Path(folder, f"{name}-{scheme}.png"))

    return take


def give(page: Page, path: Path) -> None:
    page.set_input_files("#file", path)
    expect(page.locator("#score svg").first).to_be_visible()


def test_a_composer_adds_a_bass_sees_hears_keeps_and_fetches_it(
    page: Page, tune: Path, tmp_path: Path, shot: Callable[[str], None]
) -> None:
    shot("1-welcome")
    give(page, tune)
    expect(page.locator("#song-name")).to_contain_text("tune.mid 8 bars · 4/4")
    expect(page.locator("#parts li")).to_have_count(2)
    before = page.locator("#score g.note").count()
    page.get_by_label("In words").fill("plain quarter notes")
    page.get_by_role("spinbutton", name="Variations").fill("2")
    page.get_by_role("button", name="Write").click()
    items = page.locator("#variations li")
    expect(items).to_have_count(3)
    expect(items.nth(1)).to_contain_text("Bass 1")
    expect(items.nth(1)).to_contain_text("“plain quarter notes”")
    expect(page.locator("#score g.note.written.bass")).to_have_count(8 * 4)
    assert page.locator("#score g.note").count() == before + 8 * 4
    expect(page.locator("#parts .new")).to_have_text("Bass (new)")
    blue = page.locator("#score g.note.written").first.evaluate("one => getComputedStyle(one).fill")
    assert blue != page.locator("#score svg").first.evaluate("one => getComputedStyle(one).fill")
    assert coloured_pixels(page) > 200
    if synthesizers():
        hear(page, shot)
    items.nth(2).get_by_role("radio").check()
    expect(page.locator("#download-hint")).to_contain_text("you are looking at")
    items.nth(2).get_by_role("button", name="Keep").click()
    expect(items.nth(2)).to_contain_text("Kept")
    expect(page.locator("#download-hint")).to_contain_text("with the bass you kept")
    shot("4-kept")
    with page.expect_download() as download:
        page.locator("#get-midi").click()
    assert download.value.suggested_filename == "tune.bass.mid"
    download.value.save_as(tmp_path / "kept.mid")
    context, taken = read_midi((tmp_path / "kept.mid").read_bytes()).split("bass")
    assert write_midi(context) == tune.read_bytes()
    assert len(taken) == 1
    assert len(taken[0].stem.notes) == 8 * 4
    items.nth(1).get_by_role("button", name="Discard").click()
    expect(items).to_have_count(2)
    items.nth(1).get_by_role("button", name="Take out").click()
    expect(items).to_have_count(0)
    expect(page.locator("#score .written")).to_have_count(0)


def coloured_pixels(page: Page) -> int:
    """How many points of the piano roll are in colour, not grey."""
    return cast(
        int,
        page.locator("#roll canvas").evaluate(
            """canvas => {
              const { width, height } = canvas;
              const seen = canvas.getContext("2d").getImageData(0, 0, width, height).data;
              let count = 0;
              for (let at = 0; at < seen.length; at += 4)
                count += seen[at + 3] > 128 && seen[at + 2] - seen[at] > 80;
              return count;
            }"""
        ),
    )


def hear(page: Page, shot: Callable[[str], None]) -> None:
    """Play; turn the new part off, which moves nothing; stop."""
    body = page.locator("body[data-player=playing]")
    page.get_by_role("button", name="Play").click()
    expect(body).to_have_count(1)
    position = page.get_by_label("Position")
    until(lambda: float(position.input_value()) > 0.5)
    first = float(position.input_value())
    assert first < 5
    expect(page.locator("#score rect.ground")).to_have_count(1)
    shot("3-playing")
    page.get_by_text("Without", exact=True).click()
    expect(body).to_have_count(1)
    until(lambda: float(position.input_value()) > first + 0.2)
    assert float(position.input_value()) < first + 4
    page.get_by_role("button", name="Pause").click()
    paused = float(position.input_value())
    time.sleep(0.2)
    assert float(position.input_value()) == pytest.approx(paused, abs=0.1)
    page.locator("#score g.measure").nth(4).click(force=True)
    until(lambda: abs(float(position.input_value()) - 8) < 0.05)
    page.get_by_role("button", name="Stop").click()
    expect(position).to_have_value("0")


@pytest.mark.parametrize("page", ["light"], indirect=True)
def test_writing_shows_its_progress_and_is_cancelled(
    page: Page, tune: Path, writer: Quick, shot: Callable[[str], None]
) -> None:
    writer.gate.clear()
    give(page, tune)
    page.get_by_role("button", name="Write").click()
    expect(page.locator("#progress-words")).to_contain_text("Writing bass")
    shot("2-writing")
    page.reload()  # the job is found again
    expect(page.locator("#progress-words")).to_contain_text("Writing bass")
    began = time.monotonic()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#progress-words")).to_have_text("Cancelled.")
    assert time.monotonic() - began < 1
    expect(page.get_by_role("button", name="Write")).to_be_enabled()
    writer.gate.set()


@pytest.mark.parametrize("page", ["light"], indirect=True)
def test_mistakes_are_told_on_the_page(page: Page, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.mid"
    wrong.write_bytes(b"no music at all")
    page.set_input_files("#file", wrong)
    expect(page.get_by_role("alert")).to_contain_text("wrong.mid")


@pytest.mark.parametrize("page", ["light"], indirect=True)
def test_an_instrument_that_is_there_is_asked_about(page: Page, band: Path) -> None:
    give(page, band)
    expect(page.locator("#existing")).to_contain_text("The music has bass already")
    page.get_by_label("Replace it").check()
    page.get_by_label("Bars").fill("3-4")
    page.get_by_role("button", name="Write").click()
    expect(page.locator("#variations li")).to_have_count(3)
    expect(page.locator("#variations li").nth(1)).to_contain_text("bars 3-4")
    expect(page.locator("#parts .new")).to_have_text("Bass (new)")
    expect(page.locator("#parts li")).to_have_count(4)


@pytest.mark.parametrize("page", ["light"], indirect=True)
def test_the_keyboard_alone_is_enough(page: Page, song: Arrangement, tmp_path: Path) -> None:
    path = tmp_path / "tune.mid"
    path.write_bytes(plain(song, 0))
    give(page, path)
    page.get_by_role("radio", name="Bass").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Drums")).to_be_checked()
    page.get_by_label("Seed").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#variations li").nth(1)).to_contain_text("Drums 1")
    page.get_by_role("button", name="Keep Drums 1").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("radio", name="The music as it is")).to_be_focused()
    without_name = page.locator("button, input, a").evaluate_all(
        """all => all
          .filter(one => !(one.labels?.length || one.ariaLabel || one.textContent.trim()))
          .map(one => one.outerHTML)"""
    )
    assert without_name == []
